"""Scripts that make the files shipped with the embedded profile. Not part of the installed packages."""

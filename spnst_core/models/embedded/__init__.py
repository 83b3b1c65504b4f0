"""The embedded profile: small networks that ship with the package and need no download."""

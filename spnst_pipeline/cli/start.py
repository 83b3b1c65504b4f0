"""Where the command ``spnst`` starts: it can be interrupted from its first import on."""

import sys


def main() -> None:
    """Run the command line; see `spnst_pipeline.cli.main.main`."""
    try:
        from spnst_pipeline.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()

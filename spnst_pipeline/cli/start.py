"""Where the command ``spnst`` starts: with streams that last, and interruptible from its first import on."""

import gc
import sys

from spnst_pipeline.cli.streams import keep_streams, lost_output


def main() -> None:
    """Run the command line; see `spnst_pipeline.cli.main.main`. Output that couldn't be written is a failure."""
    keep_streams()
    # Imports make a million objects and no garbage: a third of a start would go into looking for some.
    gc.disable()
    try:
        from spnst_pipeline.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    gc.freeze()
    gc.enable()
    status: str | int | None = 0
    try:
        run()
    except SystemExit as left:
        status = left.code
    if lost := lost_output():
        print(f"spnst: standard output can't be written: {lost}", file=sys.stderr)
        status = status or 1
    sys.exit(status)


if __name__ == "__main__":
    main()

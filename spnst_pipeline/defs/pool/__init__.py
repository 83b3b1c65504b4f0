"""The pool: where rows are painted, in this process or by painters on a Ray cluster.

Looking up what is missing and reporting what was made is the step's, whoever paints. Only `Row` goes to a painter and
`Outcome` comes back; pastiches and films go to the store from where they are painted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spnst_core.errors import InputError
from spnst_pipeline.defs.painting import paint
from spnst_pipeline.defs.rows import Landed, Row
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings


def paint_in_pool(project: Project, work: Iterable[Landed | Row], listener: Listener) -> Iterator[Landed]:
    """Paint rows where the project's settings say; as `spnst_pipeline.defs.painting.paint`.

    Raises:
        InputError: as `require_pool`, or a painter can't start.
    """
    settings = project.settings
    if settings.pool == "local":
        return paint(work, listener)
    require_pool(settings)
    from spnst_pipeline.defs.pool.cluster import hiring
    from spnst_pipeline.defs.pool.dispatch import Dispatch

    return Dispatch(hiring(project), settings.ray_painters, settings.ray_batch, listener).paint(work)


def require_pool(settings: Settings) -> None:
    """Connect to the Ray cluster, if the settings ask for one.

    Raises:
        InputError: Ray isn't installed, or the cluster can't be reached.
    """
    if settings.pool == "local":
        return
    try:
        from spnst_pipeline.defs.pool.cluster import connect  # Ray is an extra
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError("the pool ray needs Ray: pip install 'spnst[ray]', or choose the pool local") from error
    connect(settings.ray_address)

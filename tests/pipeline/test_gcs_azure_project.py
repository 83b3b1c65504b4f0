"""A whole project on GCS and on Azure: pictures from prefixes, everything made under another, nothing made twice."""

import pytest
from small_project import PAINTED, STYLES

from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.store import Store

pytestmark = pytest.mark.project


@pytest.mark.slow(20)
@pytest.mark.s3
@pytest.mark.parametrize(("service", "scheme"), [("gcs", "gs"), ("azure", "az")])
def test_a_project_is_made_once(service, scheme, fresh, request):
    request.getfixturevalue(service)
    (fresh.root / "contents/boat.png").unlink()
    places = {}
    for kind, folder in (("content", "contents"), ("style", "styles")):
        places[kind] = f"{scheme}://bucket/{folder}"
        for path in (fresh.root / folder).iterdir():
            open_place(places[kind]).write(path.name, path.read_bytes())
    where = {
        **places,
        "out": f"{scheme}://bucket/made",
        "home": str(fresh.root / "home"),
        "recipes": (str(fresh.root / "gatys.yaml"),),
    }
    run = fresh.run(**where, phases=PAINTED)
    assert run.failed == []
    cells = [f"pastiche/gatys/cat/{style}.png" for style in STYLES]
    assert [key for key in run.recorder.keys if key.startswith("pastiche/")] == cells
    assert Store.open(where["out"]).list("pastiche") == sorted(cells)
    assert fresh.run(**where, phases=PAINTED).recorder.keys == []
    assert not fresh.out.exists()

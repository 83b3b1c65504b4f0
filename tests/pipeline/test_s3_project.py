"""A whole project on S3: pictures from prefixes, everything made under another, nothing made twice."""

import sys
from pathlib import Path
from random import Random
from threading import Lock

import pytest
from s3_server import Fault
from small_project import PAINTED, STYLES, draw

from spnst_core import samples
from spnst_core.report.film import FPS, read_facts
from spnst_pipeline.cli import main as cli
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.store import Store

pytestmark = pytest.mark.project


def upload(s3, folder, prefix):
    for path in folder.iterdir():
        s3.put_object(Bucket="bucket", Key=f"{prefix}/{path.name}", Body=path.read_bytes())


def objects(s3):
    """Key → ETag and time of everything under the store's prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix="made/")
    return {o["Key"]: (o["ETag"], o["LastModified"]) for page in pages for o in page["Contents"]}


@pytest.fixture
def on_s3(s3, fresh):
    """The settings of a project whose pictures are on S3, and only there."""
    (fresh.root / "contents/boat.png").unlink()
    upload(s3, fresh.root / "contents", "contents")
    upload(s3, fresh.root / "styles", "styles/old masters")
    return {
        "content": "s3://bucket/contents",
        "style": "s3://bucket/styles/old masters/",
        "out": "s3://bucket/made",
        "home": str(fresh.root / "home"),
        "recipes": (str(fresh.root / "gatys.yaml"),),
    }


@pytest.mark.slow(50)
def test_a_project_is_made_once_and_then_only_what_a_new_style_wants(s3, fresh, on_s3):
    """Films as well."""
    run = fresh.run(**on_s3, record_every=2)
    assert run.failed == []
    cells = {f"pastiche/gatys/cat/{style}.png" for style in STYLES}
    film = s3.get_object(Bucket="bucket", Key="made/timelapse/gatys/cat/wave.mp4")["Body"].read()
    assert read_facts(film).frames == 4 + FPS
    made = set(run.recorder.keys)
    assert cells | {"gallery/index.html", "contact_sheet/grid.png", "content_image/cat.png"} <= made
    assert {f"made/{key}" for key in made} <= set(objects(s3))
    assert not fresh.out.exists()
    assert (fresh.root / "home/dagster.yaml").exists()

    before = objects(s3)
    again = fresh.run(**on_s3, record_every=2)
    assert (again.recorder.keys, again.runs) == ([], [])
    assert objects(s3) == before

    draw(99).save(fresh.root / "new.png")
    body = (fresh.root / "new.png").read_bytes()
    s3.put_object(Bucket="bucket", Key="styles/old masters/wave.png", Body=body)
    column = fresh.run(**on_s3, phases=PAINTED)
    assert [key for key in column.recorder.keys if key.startswith("pastiche/")] == ["pastiche/gatys/cat/wave.png"]


@pytest.mark.slow(23)
def test_a_project_is_made_whole_although_the_service_fails_until_it_recovers(s3, proxy, fresh, on_s3, monkeypatch):
    """Of its first requests, one in three is answered by SlowDown or InternalError, broken off or not at all."""
    monkeypatch.setenv("SPNST_PATIENCE", "60")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.0)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    faults = [Fault(503, "SlowDown"), Fault(500, "InternalError"), Fault(reset=True), Fault(cut=100)]
    chance, lock, met = Random(7), Lock(), []

    def fault(method, path):
        with lock:
            if len(proxy.requests) > 150 or chance.random() > 1 / 3:
                return None
            met.append(chance.choice(faults))
            return met[-1]

    proxy.fault = fault
    run = fresh.run(**on_s3, phases=PAINTED)
    assert run.failed == []
    assert {fault.status or fault.cut or "reset" for fault in met} == {503, 500, "reset", 100}
    assert len(met) > 20
    proxy.fault = lambda method, path: None
    cells = [f"pastiche/gatys/cat/{style}.png" for style in STYLES]
    assert [key for key in run.recorder.keys if key.startswith("pastiche/")] == cells
    assert {f"made/{cell}" for cell in cells} <= set(objects(s3))
    assert fresh.run(**on_s3, phases=PAINTED).recorder.keys == []


@pytest.mark.slow(22)
def test_a_store_can_move_to_s3_and_nothing_is_made_again(s3, made, monkeypatch, capfd):
    """A fingerprint knows nothing of places. The report names addresses."""
    store = Store.open("s3://bucket/made")
    for path in made.out.glob("[!.]*/**/*"):
        if path.is_file():
            store.write(path.relative_to(made.out).as_posix(), path.read_bytes())
    run = made.run(out="s3://bucket/made", home=str(made.root / "home"))
    assert (run.recorder.keys, run.recorder.steps) == ([], 0)

    settings = made.settings(out="s3://bucket/made", home=str(made.root / "home"))
    flags = [f"--{name}={getattr(settings, name)}" for name in ("content", "style", "out", "home", "profile", "size")]
    flags += [f"--recipe={recipe}" for recipe in settings.recipes]
    monkeypatch.setattr(sys, "argv", ["spnst", "run", *flags])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    out = capfd.readouterr().out
    assert exit_.value.code in (None, 0)
    assert "Everything is up to date." in out
    assert "s3://bucket/made/gallery/index.html" in out


def test_the_demo_on_s3_keeps_its_samples_where_dagster_keeps_its_records(s3, tmp_path, monkeypatch):
    for pictures in ("contents", "styles"):
        monkeypatch.setattr(samples, pictures, lambda: {str(number): draw(number) for number in range(9)})
    seen: list[Settings] = []
    monkeypatch.setattr(cli, "_bring_up_to_date", lambda settings, teller: seen.append(settings))
    monkeypatch.setattr(sys, "argv", ["spnst", "demo", "--out", "s3://bucket/demo"])
    with pytest.raises(SystemExit):
        cli.main()
    home = tmp_path / "data/spnst/bucket/demo"
    assert (seen[0].out, seen[0].content, seen[0].dagster_home) == (
        "s3://bucket/demo",
        str(home / "samples/content"),
        home,
    )
    assert len(list(Path(seen[0].style or "").iterdir())) == cli.DEMO_STYLES["vgg16"]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["demo/.spnst"]


def test_a_bucket_that_is_not_there_is_told_before_anything_is_made(s3, fresh, on_s3, monkeypatch, capfd):
    places = {name: on_s3[name] for name in ("content", "style", "home")}
    flags = [f"--{name}={place}" for name, place in {**places, "out": "s3://buckett/made"}.items()]
    monkeypatch.setattr(sys, "argv", ["spnst", "run", "--profile=embedded", *flags])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 2
    assert capfd.readouterr().err == "spnst: s3://buckett/made: there is no such bucket: check its name, or create it\n"
    assert not (fresh.root / "home").exists()

"""The catalogue's sensor, tick by tick on a real instance, with files that come, change, break and go."""

import io
import os
from hashlib import sha256

import dagster as dg
import pytest
from dagster._utils.test.data_versions import get_stale_status_resolver
from instances import new_instance

from spnst_pipeline.artefacts.fingerprints import VERSIONS
from spnst_pipeline.dagster_private import range_tags
from spnst_pipeline.definitions import defs
from spnst_pipeline.defs.sensors.sources import catalogue_sensor
from spnst_pipeline.project import Project


class Ticks:
    def __init__(self, place, instance, repository, changes):
        self.instance, self.repository, self.cursor, self.changes = instance, repository, None, changes
        self.sensor = catalogue_sensor(lambda: Project.open(place.settings(**self.changes), empty=True))

    def __call__(self):
        """One tick, with what the daemon makes of its partitions: ranges asked for, and what it said."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=self.repository, sensor_name="catalogue"
        )
        data = self.sensor.evaluate_tick(context)
        self.cursor, self.requests = data.cursor, data.run_requests
        for change in data.dynamic_partitions_requests:
            if isinstance(change, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions(change.partitions_def_name, change.partition_keys)
            else:
                for key in change.partition_keys:
                    self.instance.delete_dynamic_partition(change.partitions_def_name, key)
        runs = [
            (
                request.asset_selection[0].to_user_string(),
                request.tags["dagster/asset_partition_range_start"],
                request.tags["dagster/asset_partition_range_end"],
            )
            for request in data.run_requests
        ]
        return runs, data.skip_message

    def contents(self):
        return list(self.instance.get_dynamic_partitions("content"))


@pytest.fixture
def started(monkeypatch):
    """The sensor of a place after two ticks: what is there has settled."""

    def start(place, **changes):
        (place.root / "spnst.yaml").write_text(place.settings().to_yaml(place.root))
        monkeypatch.setenv("SPNST_CONFIG", str(place.root / "spnst.yaml"))
        ticks = Ticks(place, instance, defs().get_repository_def(), changes)
        assert ticks() == ([], "no picture has settled or gone")
        return ticks, ticks()

    with new_instance() as instance:
        yield start


def test_pictures_become_partitions_once_they_stayed_the_same_for_a_tick(fresh, started):
    ticks, (runs, _) = started(fresh)
    assert runs == [("content_image", "boat", "cat"), ("style_image", "dots", "wave")]
    assert ticks.contents() == ["boat", "cat"]
    assert ticks()[0] == []


def test_decoding_has_the_tags_of_runs_without_networks(fresh, started):
    ticks, _ = started(fresh, cpu_run_tags={"place": "anywhere"})
    assert [request.tags["place"] for request in ticks.requests] == ["anywhere", "anywhere"]


def test_a_picture_that_is_decoded_already_is_only_a_partition(made, started):
    ticks, (runs, said) = started(made)
    assert runs == []
    assert said == "new content: boat, cat; new style: dots, wave"
    assert ticks.contents() == ["boat", "cat"]


def test_a_file_that_is_still_growing_is_left_alone(made, started, picture):
    ticks, _ = started(made)
    picture(70).save(made.root / "whole.png")
    data = (made.root / "whole.png").read_bytes()
    for part in (data[:100], data[:900], data):
        (made.root / "contents/new.png").write_bytes(part)
        assert ticks() == ([], "no picture has settled or gone")
    assert ticks()[0] == [("content_image", "new", "new")]
    assert ticks.contents() == ["boat", "cat", "new"]


def test_a_changed_picture_is_decoded_again(made, started, picture):
    ticks, _ = started(made)
    picture(71).save(made.root / "styles/dots.png")
    assert ticks()[0] == []
    assert ticks()[0] == [("style_image", "dots", "dots")]
    assert ticks()[0] == []


def test_what_cannot_be_decoded_is_told_once_and_takes_no_other_along(made, started, picture):
    ticks, _ = started(made)
    (made.root / "contents/broken.png").write_bytes(b"no picture at all")
    picture(72).save(made.root / "contents/good.png")
    ticks()
    runs, _ = ticks()
    assert runs == [("content_image", "good", "good")]
    assert ticks.contents() == ["boat", "cat", "good"]
    assert ticks() == ([], "no picture has settled or gone")

    (made.root / "contents/bad.png").write_bytes(b"nor this")
    ticks()
    runs, said = ticks()
    assert runs == []
    assert said.startswith("left out: ") and "bad.png" in said and "not a picture" in said


def test_entries_of_every_kind_take_no_other_along(made, started, picture):
    contents = made.root / "contents"
    (contents / "loop.png").symlink_to("loop.png")
    os.mkfifo(contents / "pipe.png")
    os.truncate(os.open(contents / "sparse.png", os.O_CREAT | os.O_WRONLY), 40 * 10**9)
    (contents / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    for name in ("写真 1", "絵 1", "Cat", "[x]", "{x}"):
        picture(73).save(contents / f"{name}.png")
    noisy = io.BytesIO()
    picture(74).save(noisy, "JPEG", exif=b"Exif\0\0nonsense")
    (contents / "noisy.jpg").write_bytes(noisy.getvalue())
    ticks, (runs, _) = started(made)
    assert len(ticks.contents()) == 2 + 5 + 1
    assert {"boat", "cat", "noisy"} < set(ticks.contents())
    assert {asset for asset, *_ in runs} == {"content_image"}
    assert ticks() == ([], "no picture has settled or gone")


def test_a_picture_that_goes_takes_its_partition_with_it_but_nothing_that_was_made(made, started):
    ticks, _ = started(made)
    (made.root / "contents/cat.png").unlink()
    assert ticks.contents() == ["boat", "cat"]
    ticks()
    assert ticks()[1] == "content gone, what was made of it stays: cat"
    assert ticks.contents() == ["boat"]
    assert (made.out / "pastiche/gatys/cat/wave.png").exists()


def test_a_folder_that_cannot_be_read_for_once_costs_no_partition(made, started):
    ticks, _ = started(made)
    (made.root / "contents").rename(made.root / "elsewhere")
    with pytest.raises(Exception, match="does not exist"):
        ticks()
    (made.root / "elsewhere").rename(made.root / "contents")
    assert ticks() == ([], "no picture has settled or gone")
    assert ticks.contents() == ["boat", "cat"]


def test_a_place_that_is_suddenly_empty_costs_no_partition_until_there_is_a_picture_again(made, started, picture):
    """It may be a disk that isn't mounted, or another place given by mistake."""
    ticks, _ = started(made)
    for path in (made.root / "contents").iterdir():
        path.unlink()
    for _ in range(3):
        runs, said = ticks()
        assert runs == []
        assert said.startswith(f"{made.root}/contents holds no picture at all: the partitions of content stay")
        assert ticks.contents() == ["boat", "cat"]

    picture(73).save(made.root / "contents/new.png")
    runs, said = ticks()
    assert ticks.contents() == []
    assert said == "content gone, what was made of it stays: boat, cat"
    assert ticks()[0] == [("content_image", "new", "new")]


def test_a_misspelt_prefix_costs_no_partition(s3, fresh, started):
    """S3 knows no folders: a prefix that isn't there is one without objects."""
    for kind in ("contents", "styles"):
        for path in (fresh.root / kind).iterdir():
            s3.put_object(Bucket="bucket", Key=f"{kind}/{path.name}", Body=path.read_bytes())
    addresses = {"content": "s3://bucket/contents", "style": "s3://bucket/styles"}
    ticks, _ = started(fresh, **addresses)
    assert ticks.contents() == ["boat", "cat"]
    ticks.changes = {**addresses, "content": "s3://bucket/contentz"}
    for _ in range(3):
        _, said = ticks()
        assert said.startswith("s3://bucket/contentz holds no picture at all")
    assert ticks.contents() == ["boat", "cat"]


def test_an_empty_place_without_partitions_is_nothing_to_talk_of(fresh, started):
    for kind in ("contents", "styles"):
        for path in (fresh.root / kind).iterdir():
            path.unlink()
    _, (runs, said) = started(fresh)
    assert (runs, said) == ([], "no picture has settled or gone")


def test_what_is_remembered_of_a_picture_is_short_because_dagster_keeps_it_with_every_tick(made, started):
    ticks, _ = started(made)
    ticks()
    assert len(ticks.cursor) < 100 + 4 * 40


def test_a_picture_that_comes_back_is_a_partition_again(made, started):
    ticks, _ = started(made)
    cat, away = made.root / "contents/cat.png", made.root / "cat.png"
    cat.rename(away)
    ticks()
    ticks()
    assert ticks.contents() == ["boat"]
    away.rename(cat)
    ticks()
    assert ticks()[1] == "new content: cat"
    assert ticks.contents() == ["boat", "cat"]


@pytest.mark.heavy
def test_a_changed_picture_makes_only_its_own_maps_stale(fresh, started, picture):
    """As Dagster tells it, by each picture's content hash, whatever shares a run with it."""
    started(fresh)
    keys = [dg.AssetKey("content_image"), dg.AssetKey("depth_map")]
    graph = defs().resolve_asset_graph()
    job = defs().resolve_implicit_global_asset_job_def()

    with new_instance() as instance:

        def make(first, last, selection):
            tags = range_tags(first, last)
            assert job.execute_in_process(instance=instance, asset_selection=selection, tags=tags).success

        def assert_hashed(name):
            event = instance.get_latest_data_version_record(keys[0], partition_key=name).asset_materialization
            digest = sha256((fresh.root / f"contents/{name}.png").read_bytes()).hexdigest()
            assert event.tags["dagster/data_version"] == digest
            assert event.tags["dagster/code_version"] == str(VERSIONS["content_image"])

        def stale():
            resolver = get_stale_status_resolver(instance, graph.assets_defs)
            return {name: resolver.get_status(keys[1], name).value for name in ("boat", "cat")}

        instance.add_dynamic_partitions("content", ["boat", "cat"])
        make("boat", "cat", keys)
        assert_hashed("boat")
        assert_hashed("cat")
        assert stale() == {"boat": "FRESH", "cat": "FRESH"}
        picture(99).save(fresh.root / "contents/cat.png")
        make("cat", "cat", keys[:1])
        assert_hashed("cat")
        make("boat", "cat", keys[:1])
        assert stale() == {"boat": "FRESH", "cat": "STALE"}

"""The grid of a project: pictures that can't be used leave it, and those that can't be read for now stay in it."""

import json
import os
import subprocess
import sys
from functools import partial

import dagster as dg
import limited_grid
import pytest
from instances import new_instance
from PIL import Image
from s3_server import Fault
from small_project import CONTENTS, draw

from spnst_core.imaging.io import encode_png
from spnst_pipeline.artefacts import rules
from spnst_pipeline.artefacts.lineage import Lineage, NotMade
from spnst_pipeline.artefacts.soundness import put
from spnst_pipeline.planning.grid import checked, synchronised
from spnst_pipeline.project import Project
from spnst_pipeline.storage.places import Unreachable

CAT = "s3://bucket/contents/cat.png: S3 answered SlowDown: said so"


@pytest.fixture
def busy(proxy, s3, fresh):
    """A project whose contents are on S3, which answers for all of them but ``cat``."""
    for path in (fresh.root / "contents").iterdir():
        s3.put_object(Bucket="bucket", Key=f"contents/{path.name}", Body=path.read_bytes())
    project = Project.open(fresh.settings(content="s3://bucket/contents"))
    proxy.fault = lambda method, path: Fault(503, "SlowDown") if path.endswith("cat.png") else None
    return project


def test_a_picture_that_cannot_be_read_for_now_stays_and_keeps_its_partition(busy):
    project = checked(busy)
    assert set(project.contents.pictures) == set(CONTENTS)
    assert project.contents.unreachable == {"cat": CAT}
    assert project.contents.left_out == ()
    with new_instance() as instance:
        instance.add_dynamic_partitions("content", ["boat", "cat", "gone"])
        assert synchronised(project, instance).contents == ["boat", "cat"]


def test_what_the_store_holds_of_it_counts_as_up_to_date(busy):
    project = checked(busy)
    with pytest.raises(NotMade):
        Lineage(project).content_image("cat")
    before = rules.content_image("cat", "the digest that it had")
    project.store.write(before.path, encode_png(draw(1), before.stamp))
    assert Lineage(project).content_image("cat").fingerprint == before.fingerprint


@pytest.mark.slow(6)
def test_where_no_picture_can_be_read_the_place_is_unreachable(busy, proxy):
    proxy.fault = lambda method, path: Fault(503, "SlowDown") if path.endswith(".png") else None
    with pytest.raises(Unreachable, match="no picture in s3://bucket/contents can be used: .* SlowDown"):
        checked(busy)


def test_a_picture_that_is_lost_or_changed_meanwhile_is_told_and_one_that_is_none_leaves(fresh):
    for name in ("bird", "cow"):
        draw(5).save(fresh.root / f"contents/{name}.png")
    (fresh.root / "contents/text.png").write_text("hello there")
    project = Project.open(fresh.settings())
    (fresh.root / "contents/cat.png").unlink()
    draw(6, 90).save(fresh.root / "contents/cow.png")
    found = checked(project).contents
    assert sorted(found.pictures) == ["bird", "boat", "cat", "cow"]
    assert sorted(found.unreachable) == ["cat", "cow"]
    assert "cat.png can't be read: No such file" in found.unreachable["cat"]
    assert "cow.png is not what it was when listed" in found.unreachable["cow"]
    [line] = found.left_out
    assert "text.png" in line


@pytest.mark.slow(13)
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_picture_that_memory_is_too_little_for_stays_as_well(fresh):
    """In a process of its own: one that has run other tests holds memory that is free for use again."""
    Image.new("1", (10_000, 10_000)).save(fresh.root / "contents/large.png")
    command = [sys.executable, limited_grid.__file__, "200", str(fresh.root)]  # of which threads take some
    here = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.run(command, env=here, capture_output=True, text=True, check=True).stdout
    pictures, unreachable = json.loads(printed)
    assert pictures == ["boat", "cat", "large"]
    assert unreachable.keys() == {"large"}
    assert unreachable["large"].endswith(
        "large.png can't be decoded, because memory ran out; make it smaller, or run where more is free"
    )


def test_a_content_too_narrow_for_a_pastiche_of_that_size_is_left_out_before_anything_is_made(fresh):
    (fresh.root / "quick.yaml").write_text("stages: [{steps: 1}]\n")
    draw(7, 512, 60).save(fresh.root / "contents/strip.png")
    project = Project.open(fresh.settings(size=128, recipes=(str(fresh.root / "quick.yaml"),)))
    contents = checked(project).contents
    assert sorted(contents.pictures) == ["boat", "cat"]
    [line] = contents.left_out
    assert line.endswith("strip.png: its pastiche at size 128 is 128x15 pixels; use one of at least 16 on each side")


def test_a_content_that_is_decoded_already_is_left_out_as_well_when_the_size_becomes_too_small_for_it(fresh):
    (fresh.root / "quick.yaml").write_text("stages: [{steps: 1}]\n")
    strip = draw(7, 512, 60)
    strip.save(fresh.root / "contents/strip.png")

    def project(size):
        return Project.open(fresh.settings(size=size, recipes=(str(fresh.root / "quick.yaml"),)))

    large = project(256)
    put(large.store, Lineage(large).content_image("strip"), partial(encode_png, strip))
    assert sorted(checked(large).contents.pictures) == ["boat", "cat", "strip"]
    contents = checked(project(128)).contents
    assert sorted(contents.pictures) == ["boat", "cat"]
    [line] = contents.left_out
    assert line.endswith("strip.png: its pastiche at size 128 is 128x15 pixels; use one of at least 16 on each side")


def test_partitions_stay_while_a_run_is_at_work(fresh):
    @dg.job
    def others():
        """A run of the daemon."""

    project = Project.open(fresh.settings())
    with new_instance() as instance:
        instance.add_dynamic_partitions("content", ["gone"])
        run = instance.create_run_for_job(others, status=dg.DagsterRunStatus.STARTED)
        assert synchronised(project, instance).contents == ["gone", "boat", "cat"]
        instance.report_run_failed(run)
        assert synchronised(project, instance).contents == ["boat", "cat"]

"""What needn't be made: it is up to date, or the same is there under another name and is copied."""

import pytest
from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.project import Project


@pytest.fixture
def renamed(made):
    """A project of which a content and a style were renamed; their decoded pictures are there under the new names."""
    (made.root / "contents/cat.png").rename(made.root / "contents/lion.png")
    (made.root / "styles/wave.png").rename(made.root / "styles/sea.png")
    project = Project.open(made.settings())
    for decoded in (Lineage(project).content_image("lion"), Lineage(project).style_image("sea")):
        assert not keep_or_copy(Lineage(project), decoded)  # from the source's bytes, not from another name
        project.store.write(decoded.path, image_io.encode_png(Image.new("RGB", (1, 1)), decoded.stamp))
    return project


def test_what_was_made_under_other_names_is_copied_with_the_files_beside_it(renamed):
    recipe = renamed.recipes[0]
    for rule, at in (
        (Lineage.depth_map, ["lion"]),
        (Lineage.edge_map, ["lion"]),
        (Lineage.style_grams, ["sea"]),
        (Lineage.pastiche, [recipe, "lion", "sea"]),
    ):
        lineage = Lineage(renamed)
        wanted = rule(lineage, *at)
        assert lineage.outdated(rule, lineage, *at)  # it is launched, so that Dagster comes to know it
        assert keep_or_copy(lineage, wanted)
        assert Lineage(renamed).is_current(wanted)
        copies = [wanted.path, *wanted.beside.values()]
        originals = [path.replace("lion", "cat").replace("sea", "wave") for path in copies]
        assert [*map(renamed.store.read, copies)] == [*map(renamed.store.read, originals)]


def test_what_shows_its_name_is_never_copied(renamed):
    for rule, at in (
        (Lineage.depth_map, ["lion"]),
        (Lineage.edge_map, ["lion"]),
        (Lineage.style_grams, ["sea"]),
        (Lineage.pastiche, [renamed.recipes[0], "lion", "sea"]),
    ):
        assert keep_or_copy(Lineage(renamed), rule(Lineage(renamed), *at))
    lineage = Lineage(renamed)
    assert not keep_or_copy(lineage, lineage.metrics(renamed.recipes[0], "lion", "sea"))
    assert not renamed.store.exists("metrics/structure/lion/sea.json")


def test_what_is_up_to_date_is_kept_as_it_is(made):
    project = Project.open(made.settings())
    pastiche = Lineage(project).pastiche(project.recipes[0], "cat", "wave")
    before = (made.out / pastiche.path).stat().st_mtime_ns
    assert keep_or_copy(Lineage(project), pastiche)
    assert (made.out / pastiche.path).stat().st_mtime_ns == before


def test_what_is_outdated_without_a_twin_must_be_made(made):
    (made.out / "pastiche/structure/cat/wave.png").unlink()
    project = Project.open(made.settings())
    assert not keep_or_copy(Lineage(project), Lineage(project).pastiche(project.recipes[0], "cat", "wave"))
    assert not (made.out / "pastiche/structure/cat/wave.png").exists()


def test_forced_nothing_is_kept_or_copied(renamed):
    lineage = Lineage(renamed)
    for wanted in (lineage.depth_map("boat"), lineage.depth_map("lion")):
        assert not keep_or_copy(lineage, wanted, force=True)
    assert not renamed.store.exists("depth_map/lion.safetensors")

"""What an artefact is called, everywhere, and that every name leads back to it."""

from typing import get_args

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import new_instance

from spnst_pipeline.artefacts.identity import ArtefactId, Asset, rows
from spnst_pipeline.defs.partitions import GRID

EXAMPLES = settings(deadline=None, max_examples=50)

slugs = st.from_regex(r"[a-z0-9](\.?[a-z0-9_-]){0,12}", fullmatch=True) | st.sampled_from(
    ["grid", "content", "style", "a.depth", "a.edges", "a.depth.png", "wave.json", "metrics", "a__b", "index"]
)
recipes = st.from_regex(r"[a-z0-9][a-z0-9_]{0,12}", fullmatch=True) | st.sampled_from(["content", "a__b", "pastiche"])

OF_CONTENT = ("content_image", "depth_map", "edge_map", "contact_sheet/content")
OF_STYLE = ("style_image", "style_grams", "contact_sheet/style")
OF_CELL = ("pastiche", "timelapse", "checkpoint", "metrics")
ALONE = ("metric_table", "comparison", "contact_sheet/grid", "gallery")

artefacts = st.one_of(
    st.builds(ArtefactId, st.sampled_from(OF_CONTENT), content=slugs),
    st.builds(ArtefactId, st.sampled_from(OF_STYLE), style=slugs),
    st.builds(ArtefactId, st.sampled_from(OF_CELL), recipes, slugs, slugs),
    st.builds(ArtefactId, st.just("painter"), recipes, style=slugs),
    st.builds(ArtefactId, st.just("experiment"), experiment=recipes),
    st.builds(ArtefactId, st.sampled_from(ALONE)),
)


def test_every_kind_is_tried_here():
    assert {*OF_CONTENT, *OF_STYLE, *OF_CELL, *ALONE, "experiment", "painter"} == set(get_args(Asset))


@EXAMPLES
@given(artefacts)
def test_a_path_leads_back_to_its_artefact(artefact):
    assert ArtefactId.from_path(artefact.path) == artefact


@EXAMPLES
@given(artefacts)
def test_an_asset_key_and_a_partition_lead_back_to_their_artefact(artefact):
    assert ArtefactId.from_asset_key(artefact.asset_key, artefact.partition) == artefact
    assert ArtefactId.from_asset_key(artefact.asset_key) == artefact.whole


@EXAMPLES
@given(artefacts)
def test_a_partition_leads_back_to_its_artefact(artefact):
    if artefact.partition:
        assert artefact.whole.at(artefact.partition) == artefact


def test_what_belongs_to_a_cell_is_its_contents_its_styles_or_its_own():
    cell = ArtefactId("pastiche", "gatys", "cat", "wave")
    found = [str(ArtefactId(asset).of_cell(cell)) for asset in ("depth_map", "style_grams", "gallery")]
    assert found == ["depth_map[cat]", "style_grams[wave]", "gallery"]
    assert str(ArtefactId("metrics", "structure").of_cell(cell)) == "metrics/structure[cat|wave]"
    with pytest.raises(ValueError, match="isn't of one cell"):
        ArtefactId("depth_map").of_cell(ArtefactId("content_image", content="cat"))


@EXAMPLES
@given(artefacts)
def test_a_step_leads_back_to_its_asset_and_that_of_a_film_to_the_pastiches(artefact):
    maker = ArtefactId("pastiche", artefact.recipe) if artefact.asset == "timelapse" else artefact.whole
    assert ArtefactId.from_step(artefact.step) == maker


@EXAMPLES
@given(artefacts)
def test_files_beside_an_artefact_lie_in_its_folder_and_are_not_taken_for_artefacts(artefact):
    for path in (artefact.path, *artefact.beside.values()):
        assert path.startswith(f"{artefact.folder}/")
    for path in artefact.beside.values():
        with pytest.raises(ValueError, match="no artefact's path"):
            ArtefactId.from_path(path)


@EXAMPLES
@given(st.lists(artefacts, unique=True))
def test_no_two_artefacts_share_a_file(found):
    files = [path for artefact in found for path in (artefact.path, *artefact.beside.values())]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize(
    ("artefact", "told", "step", "path"),
    [
        (
            ArtefactId("content_image", content="cat"),
            "content_image[cat]",
            "content_image",
            "content_image/cat.png",
        ),
        (ArtefactId("style_image", style="wave"), "style_image[wave]", "style_image", "style_image/wave.png"),
        (ArtefactId("depth_map", content="cat"), "depth_map[cat]", "depth_map", "depth_map/cat.safetensors"),
        (ArtefactId("style_grams", style="a.b"), "style_grams[a.b]", "style_grams", "style_grams/a.b.safetensors"),
        (
            ArtefactId("pastiche", "gatys", "cat", "wave"),
            "pastiche/gatys[cat|wave]",
            "pastiche__gatys",
            "pastiche/gatys/cat/wave.png",
        ),
        (
            ArtefactId("timelapse", "gatys", "cat", "wave"),
            "timelapse/gatys[cat|wave]",
            "pastiche__gatys",
            "timelapse/gatys/cat/wave.mp4",
        ),
        (
            ArtefactId("metrics", "gatys", "cat", "wave"),
            "metrics/gatys[cat|wave]",
            "metrics__gatys",
            "metrics/gatys/cat/wave.json",
        ),
        (ArtefactId("metric_table"), "metric_table", "metric_table", "metric_table/metrics.parquet"),
        (ArtefactId("comparison"), "comparison", "comparison", "comparison/comparison.parquet"),
        (
            ArtefactId("contact_sheet/content", content="cat"),
            "contact_sheet/content[cat]",
            "contact_sheet__content",
            "contact_sheet/content/cat.png",
        ),
        (ArtefactId("contact_sheet/grid"), "contact_sheet/grid", "contact_sheet__grid", "contact_sheet/grid.png"),
        (ArtefactId("gallery"), "gallery", "gallery", "gallery/index.html"),
        (
            ArtefactId("experiment", experiment="ablation"),
            "experiment/ablation",
            "experiment__ablation",
            "experiment/ablation/metrics.parquet",
        ),
    ],
)
def test_names_and_places_are_those_of_every_store_there_is(artefact, told, step, path):
    assert (str(artefact), artefact.step, artefact.path) == (told, step, path)


def test_files_beside_an_artefact_are_where_every_store_has_them():
    assert ArtefactId("edge_map", content="cat").beside == {"picture": "edge_map/cat.png"}
    assert ArtefactId("metrics", "gatys", "cat", "wave").beside == {
        "depth": "metrics/gatys/cat/wave.depth.png",
        "edges": "metrics/gatys/cat/wave.edges.png",
    }
    assert ArtefactId("metric_table").beside == {
        "csv": "metric_table/metrics.csv",
        "columns": "metric_table/metrics.md",
    }
    latex = "comparison/comparison.tex"
    assert ArtefactId("comparison").beside == {"csv": "comparison/comparison.csv", "latex": latex}
    assert ArtefactId("contact_sheet/style", style="wave").beside == {"pages": "contact_sheet/style/wave.pdf"}
    assert ArtefactId("contact_sheet/grid").beside == {"pages": "contact_sheet/grid.pdf"}
    assert list(ArtefactId("experiment", experiment="sweep").beside.values()) == [
        f"experiment/sweep/{file}"
        for file in (
            "metrics.csv",
            "comparison.csv",
            "frontier.png",
            "frontier.svg",
            "frontier.pdf",
            "grid.png",
            "grid.pdf",
        )
    ]


def test_an_asset_as_a_whole_has_a_key_and_tells_where_its_files_lie():
    pastiches = ArtefactId("pastiche", "gatys")
    assert pastiches.asset_key == dg.AssetKey(["pastiche", "gatys"])
    assert pastiches.path == "pastiche/gatys/<content>/<style>.png"
    assert (pastiches.folder, pastiches.partition, str(pastiches)) == ("pastiche/gatys", "", "pastiche/gatys")


def test_partitions_of_cells_are_dagsters():
    cell = ArtefactId("pastiche", "gatys", "cat", "wave")
    with new_instance() as instance:
        instance.add_dynamic_partitions("content", ["cat"])
        instance.add_dynamic_partitions("style", ["wave"])
        assert GRID.get_partition_keys(dynamic_partitions_store=instance) == [cell.partition]
    assert isinstance(cell.partition, dg.MultiPartitionKey)


def test_rows_keep_the_order_of_their_cells():
    pastiches = ArtefactId("pastiche", "gatys")
    assert rows(map(pastiches.at, ["a|x", "b|x", "a|y"])) == {"a": ["x", "y"], "b": ["x"]}


@pytest.mark.parametrize(
    ("asset", "fields"),
    [
        ("pastiche", {}),
        ("pastiche", {"recipe": "gatys", "content": "cat"}),
        ("pastiche", {"content": "cat", "style": "wave"}),
        ("depth_map", {"style": "wave"}),
        ("gallery", {"content": "cat"}),
        ("experiment", {"recipe": "gatys"}),
    ],
)
def test_an_identity_of_fields_that_its_kind_does_not_have_is_refused(asset, fields):
    with pytest.raises(ValueError, match=f"{asset} is told apart by"):
        ArtefactId(asset, **fields)


@pytest.mark.parametrize("path", ["", "pastiche/gatys/cat.png", "depth_map/cat.png", "pastiche/a/b/c/d.png", "x/y.png"])
def test_a_file_that_is_no_artefact_has_no_identity(path):
    with pytest.raises(ValueError, match="no artefact's path"):
        ArtefactId.from_path(path)


def test_a_key_of_no_asset_and_a_partition_that_an_asset_cannot_have_are_refused():
    with pytest.raises(ValueError, match="'pastiche' is no asset's key"):
        ArtefactId.from_asset_key(dg.AssetKey("pastiche"))
    with pytest.raises(ValueError, match=r"pastiche/gatys has no partition 'cat'"):
        ArtefactId("pastiche", "gatys").at("cat")
    with pytest.raises(ValueError, match=r"gallery has no partition 'cat'"):
        ArtefactId("gallery").at("cat")

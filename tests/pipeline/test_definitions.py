"""The graph as Dagster's UI loads it."""

import dagster as dg
import pandas as pd
import pytest
from small_project import RECIPES

from spnst_core.errors import InputError
from spnst_pipeline import definitions
from spnst_pipeline.artefacts.fingerprints import VERSIONS
from spnst_pipeline.artefacts.identity import OF_NETWORKS, ArtefactId
from spnst_pipeline.definitions import defs


@pytest.fixture
def graph(fresh, monkeypatch):
    (fresh.root / "spnst.yaml").write_text(fresh.settings().to_yaml(fresh.root))
    monkeypatch.setenv("SPNST_CONFIG", str(fresh.root / "spnst.yaml"))
    return defs()


@pytest.fixture
def sharded(graph, monkeypatch):
    """The graph of one shard of the same project."""

    def of(shard):
        monkeypatch.setenv("SPNST_SHARD", shard)
        found = defs()
        monkeypatch.delenv("SPNST_SHARD")
        return found

    return of


def parents_of(graph):
    nodes = graph.resolve_asset_graph().asset_nodes
    return {n.key.to_user_string(): {k.to_user_string() for k in n.parent_keys} for n in nodes if n.is_executable}


def test_it_is_the_designs(graph):
    parents = parents_of(graph)
    cells = {f"{kind}/{r}" for kind in ("pastiche", "metrics") for r in ("structure", "gatys")}
    images = {"content_image", "depth_map", "edge_map", "style_image", "style_grams"}
    assert parents == {
        "content_image": set(),
        "style_image": set(),
        "depth_map": {"content_image"},
        "edge_map": {"content_image"},
        "style_grams": {"style_image"},
        "pastiche/structure": images,
        "pastiche/gatys": images,
        "timelapse/structure": {"pastiche/structure", "content_image"},
        "timelapse/gatys": {"pastiche/gatys", "content_image"},
        "metrics/structure": {"pastiche/structure", "content_image", "style_image", "style_grams"},
        "metrics/gatys": {"pastiche/gatys", "content_image", "style_image", "style_grams"},
        "metric_table": {"metrics/structure", "metrics/gatys"},
        "comparison": {"metric_table"},
        "contact_sheet/content": cells,
        "contact_sheet/style": cells,
        "contact_sheet/grid": cells,
        "gallery": {
            "comparison",
            "contact_sheet/content",
            "contact_sheet/style",
            "contact_sheet/grid",
            "pastiche/structure",
            "pastiche/gatys",
        },
    }


def test_every_asset_says_what_it_is(graph):
    for spec in graph.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.kinds, spec.key
        assert spec.metadata["file"], spec.key
        assert spec.metadata["format"], spec.key
        assert not spec.owners, spec.key
        assert spec.code_version == str(VERSIONS[spec.key.path[0]]), spec.key


def test_the_lineages_groups_tell_assets_apart_whose_names_end_alike(graph):
    """A node shows the last word of its asset's key alone."""
    shown = [(spec.group_name, spec.key.path[-1]) for spec in graph.resolve_all_asset_specs()]
    assert sorted(shown) == sorted(set(shown))
    assert {group for group, name in shown if name == "structure"} == {"pastiches", "films", "evaluation"}
    assert {name for group, name in shown if group == "contact_sheets"} == {"content", "style", "grid"}


def test_the_metric_tables_schema_is_the_tables(graph, first_run):
    schema = next(s for s in graph.resolve_all_asset_specs() if s.key == dg.AssetKey("metric_table")).metadata
    table = pd.read_parquet(first_run[0].out / "metric_table/metrics.parquet")
    declared = [column.name for column in schema["dagster/column_schema"].columns]
    assert [name for name in table.columns if not name.startswith("style_distance_")] == declared


def test_checks_are_declared_where_they_are_reported(graph):
    checks = {(key.asset_key.to_user_string(), key.name) for key in graph.resolve_asset_graph().asset_check_keys}
    assert checks == {
        *((f"pastiche/{recipe}", check) for recipe in ("structure", "gatys") for check in ("finite", "style_fell")),
        ("metrics/structure", "keeps_structure"),  # gatys has nothing to be held against
        ("style_grams", "positive_semidefinite"),
        ("depth_map", "not_constant"),
    }


def test_what_runs_networks_waits_for_the_gpu(graph):
    pools = {
        key.to_user_string(): assets.op.pool
        for assets in graph.resolve_asset_graph().assets_defs
        for key in assets.keys
    }
    cells = {f"{kind}/{recipe}" for kind in ("pastiche", "timelapse", "metrics") for recipe in RECIPES}
    networks = {"depth_map", "edge_map", "style_grams", *cells}
    assert {name for name, pool in pools.items() if pool == "gpu"} == networks
    assert {ArtefactId.from_asset_key(dg.AssetKey(name.split("/"))).asset for name in networks} == {*OF_NETWORKS}
    assert {pool for name, pool in pools.items() if name not in networks} == {None}


def test_the_launchpad_describes_what_it_offers(graph):
    nodes = {assets.op.name: assets.op for assets in graph.resolve_asset_graph().assets_defs if assets.keys}
    for name in ("depth_map", "edge_map", "style_grams", "metrics__gatys", "pastiche__gatys"):
        fields = nodes[name].config_schema.config_type.fields
        assert "force" in fields
        assert all(field.description and not field.is_required for field in fields.values())
    assert set(fields) == {
        "force",
        "content",
        "style",
        "edge",
        "depth",
        "tv",
        "palette",
        "size",
        "record_every",
        "colour",
        "colour_strength",
        "style_strength",
    }


def test_cells_of_a_backfill_share_runs(graph):
    for assets in graph.resolve_asset_graph().assets_defs:
        if assets.partitions_def:
            assert assets.backfill_policy.max_partitions_per_run > 1


def test_the_ready_made_jobs_resolve(graph):
    names = {job.name for job in graph.resolve_all_job_defs()}
    assert {"precompute", "stylize_missing", "refresh_gallery"} <= names


def test_a_range_launched_from_the_ui_uses_the_same_rule(made, monkeypatch):
    """As the daemon does it: definitions from settings, one range run, no listener of ours."""
    monkeypatch.setenv("SPNST_CONFIG", str(made.out / ".dagster/spnst.yaml"))
    before = (made.out / "pastiche/gatys/boat/dots.png").stat().st_mtime_ns
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    with made.instance() as instance:
        result = (
            defs()
            .resolve_implicit_global_asset_job_def()
            .execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey(["pastiche", "gatys"])],
                tags={
                    "dagster/asset_partition_range_start": "boat|dots",
                    "dagster/asset_partition_range_end": "cat|wave",
                },
            )
        )
        assert result.success
    assert (made.out / "pastiche/gatys/cat/wave.png").exists()
    assert (made.out / "pastiche/gatys/boat/dots.png").stat().st_mtime_ns == before


def test_settings_that_cannot_be_used_are_told_at_once(monkeypatch):
    monkeypatch.setenv("SPNST_RECIPES", "strukture")
    with pytest.raises(ValueError, match=r'no recipe "strukture" \(did you mean "structure"\?\)'):
        defs()


def test_a_shard_has_the_graph_of_its_contents_under_its_keys(sharded):
    whole, second = parents_of(sharded("1/1")), parents_of(sharded("2/2"))
    of_all = {"metric_table", "comparison", "gallery", "contact_sheet/style", "contact_sheet/grid"}
    own = {name: parents for name, parents in whole.items() if name not in of_all}
    assert second == {f"shard_2_of_2/{name}": {f"shard_2_of_2/{p}" for p in parents} for name, parents in own.items()}


def test_the_first_shard_shows_the_cells_of_all(sharded):
    first = parents_of(sharded("1/2"))
    scores = {f"shard_{k}_of_2/metrics/{r}" for k in (1, 2) for r in ("structure", "gatys")}
    assert first["shard_1_of_2/metric_table"] == scores
    assert scores < first["shard_1_of_2/contact_sheet/style"]
    assert first["shard_1_of_2/comparison"] == {"shard_1_of_2/metric_table"}
    sheets = {f"shard_{k}_of_2/contact_sheet/content" for k in (1, 2)}
    assert sheets < first["shard_1_of_2/gallery"]
    assert first["shard_1_of_2/contact_sheet/content"].isdisjoint(scores - {s for s in scores if "shard_1" in s})


def test_only_the_contents_partitions_are_a_shards_own(sharded):
    specs = {spec.key.to_user_string(): spec for spec in sharded("1/2").resolve_all_asset_specs()}
    assert specs["shard_1_of_2/depth_map"].partitions_def.name == "content_shard_1_of_2"
    assert specs["shard_1_of_2/style_grams"].partitions_def.name == "style"
    contents = dg.DynamicPartitionsDefinition(name="content_shard_1_of_2")
    grid = dg.MultiPartitionsDefinition({"content": contents, "style": dg.DynamicPartitionsDefinition(name="style")})
    assert specs["shard_1_of_2/pastiche/gatys"].partitions_def == grid
    assert all(spec.code_version for spec in specs.values() if spec.key.path[0] == "shard_1_of_2")


def test_a_workspace_names_a_shard_as_an_attribute(sharded):
    named = definitions.shard_2_of_2
    assert parents_of(named) == parents_of(sharded("2/2"))
    with pytest.raises(InputError, match="setting shard: write k/n"):
        _ = definitions.shard_3_of_2
    with pytest.raises(AttributeError, match="has no attribute 'shards'"):
        _ = definitions.shards

"""Sharded: the asset graph of one shard, made from that of a project without shards."""

from collections.abc import Sequence

import dagster as dg

from spnst_pipeline.artefacts.identity import OF_ALL_CONTENTS, ArtefactId
from spnst_pipeline.dagster_private import with_keys
from spnst_pipeline.defs.partitions import CONTENT, GRID, contents_of, grid_of
from spnst_pipeline.shard import WHOLE, Shard


def sharded(assets: Sequence[dg.AssetsDefinition], shard: Shard) -> Sequence[dg.AssetsDefinition]:
    """The assets that a shard has, under its keys and with its contents; their steps keep their names.

    What is made of all contents is in the first shard alone, downstream of the cells of every shard, which are in other
    code locations.
    """
    if shard == WHOLE:
        return assets
    keys = {key: ArtefactId.from_asset_key(key).key_in(shard) for each in assets for key in each.keys}
    here = [each for each in assets if shard.is_first or not _of_all_contents(each)]
    return dg.map_asset_specs(lambda spec: _in_shard(spec, shard), [with_keys(each, keys) for each in here])


def _of_all_contents(assets: dg.AssetsDefinition) -> bool:
    return any(ArtefactId.from_asset_key(key).asset in OF_ALL_CONTENTS for key in assets.keys)


def _in_shard(spec: dg.AssetSpec, shard: Shard) -> dg.AssetSpec:
    partitions = spec.partitions_def
    if partitions == CONTENT:
        partitions = contents_of(shard)
    elif partitions == GRID:
        partitions = grid_of(shard)
    deps = [dg.AssetDep(key) for dep in spec.deps for key in _made_of(dep.asset_key, spec, shard)]
    return spec.replace_attributes(partitions_def=partitions, deps=deps)


def _made_of(dep: dg.AssetKey, spec: dg.AssetSpec, shard: Shard) -> list[dg.AssetKey]:
    """The keys of what an asset is made of, where it is made of ``dep`` in a project without shards."""
    upstream, made = ArtefactId.from_asset_key(dep), ArtefactId.from_asset_key(spec.key)
    crosses = made.asset in OF_ALL_CONTENTS and upstream.is_of_contents
    return [upstream.key_in(each) for each in (shard.all if crosses else (shard,))]

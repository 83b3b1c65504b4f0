"""Structure: the depth and the edges of each content, which its pastiches must keep."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from spnst_core.imaging import io as image_io
from spnst_core.objective.targets import DepthMap, EdgeMap
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.assets.input_images import content_image
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Made, Results, each
from spnst_pipeline.defs.partitions import CONTENT
from spnst_pipeline.defs.previews import preview
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project


def _map_asset(
    asset: ArtefactId,
    kind: type[DepthMap] | type[EdgeMap],
    rule: Callable[[Lineage, str], Artefact],
    judges: Mapping[checks.Check, Callable[[Any], checks.Verdict]],
    holds: Mapping[str, str],
    description: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset.asset_key,
        partitions_def=CONTENT,
        deps=[content_image],
        group_name="targets",
        kinds={"pytorch"},
        pool="gpu",
        description=description,
        metadata=holds,
        check_specs=[check.spec(asset.asset_key) for check in judges],
    )
    def targets(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Results:
        lineage, store = Lineage(project), project.store

        def make(content: str) -> Made:
            wanted = rule(lineage, content)
            source, picture_path = ArtefactId("content_image", content=content).path, wanted.beside["picture"]
            content_picture = image_io.decode(store.read(source), source)
            if keep_or_copy(lineage, wanted, force=config.force):
                picture = image_io.decode(store.read(picture_path), picture_path)
            else:
                found = kind.compute(image_io.to_tensor(content_picture), project.models, project.content_sizes)
                picture = found.picture
                store.write(picture_path, image_io.encode_png(picture))
                stamp = checks.stamp([checks.required(judge(found)) for judge in judges.values()])
                store.write(wanted.path, found.to_bytes({**wanted.stamp, **stamp}))
                listener.made(wanted.id)
            shown = {
                "preview": preview(content_picture, picture),
                "sizes": " ".join(map(str, wanted.sizes)),
                "profile": project.identity.label,
                "fingerprint": wanted.fingerprint,
            }
            return Made(shown, checks.carried(metadata(wanted.path, store.read(wanted.path, HEAD))))

        return each(context, make, list(judges))

    return targets


_DEPTH, _EDGES = ArtefactId("depth_map"), ArtefactId("edge_map")

depth_map = _map_asset(
    _DEPTH,
    DepthMap,
    Lineage.depth_map,
    {checks.NOT_CONSTANT: checks.not_constant},
    {
        "file": _DEPTH.path,
        "format": f"safetensors, float32: maps.<size>; beside it {_DEPTH.beside['picture']} to look at",
        "shape": "(1, 1, h, w) for a picture of w × h",
        "values": "inverse depth, larger is nearer, of no scale",
    },
    "Relative inverse depth of a content at every size that a recipe works at; bright = near.",
)

edge_map = _map_asset(
    _EDGES,
    EdgeMap,
    Lineage.edge_map,
    {},
    {
        "file": _EDGES.path,
        "format": "safetensors, float32: maps.<size> and calibration.<size> of the detector; beside it "
        f"{_EDGES.beside['picture']} to look at",
        "shape": "maps (1, K, h, w), calibration (1, K, 1, 1), of K maps",
        "values": "edge strength from 0 to 1",
    },
    "Edges of a content at every size that a recipe works at.",
)

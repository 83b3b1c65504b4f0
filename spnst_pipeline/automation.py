"""Automation: the jobs that the UI offers ready-made."""

import dagster as dg

stylize = dg.define_asset_job(
    "stylize",
    selection=dg.AssetSelection.groups("pastiches") | dg.AssetSelection.key_prefixes("metrics"),
    description="Paint and score cells of the grid whose photographs and paintings are prepared.",
)

refresh_gallery = dg.define_asset_job(
    "refresh_gallery",
    selection=dg.AssetSelection.assets("metric_table", ["contact_sheet", "grid"], "gallery"),
    description="Bring the metric table, the sheet of the grid and the gallery up to date.",
)

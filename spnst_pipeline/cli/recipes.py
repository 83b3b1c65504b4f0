"""``spnst recipes``: list the recipes, and show one as YAML to be edited."""

from __future__ import annotations

from typing import Annotated

import typer

from spnst_pipeline.cli import options
from spnst_pipeline.cli.tables import print_table

# Commands import the core themselves: PyTorch takes seconds, and --help should not.

app = typer.Typer(
    help="List recipes and show their settings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Encoder = Annotated[
    str, typer.Option(metavar="NAME", help="encoder whose settings are shown: vgg16, vgg19, embedded, ...")
]


@app.command("list")
def list_recipes(encoder: Encoder = "vgg16") -> None:
    """List the recipes.

    For every recipe, built in or added by a package: how many stages it has, the long sides in pixels that they work
    at, how many steps they take, which encoders it holds settings for, and what it does.
    """
    from spnst_core.models.networks import ENCODERS
    from spnst_core.recipes.recipe import RECIPES

    ENCODERS.require(encoder)
    rows = []
    for recipe in RECIPES.values():
        suited = recipe.suited_to(encoder)
        settings_for = ", ".join(sorted({*recipe.for_encoder, *recipe.layers}))
        sizes = ", ".join(map(str, suited.sizes))
        rows.append((recipe.name, str(len(suited.stages)), sizes, str(suited.steps), settings_for, recipe.description))
    print_table(("name", "stages", "long side", "steps", "settings for", "description"), rows, ("stages", "steps"))


@app.command()
def show(
    recipe: Annotated[
        str, typer.Argument(metavar="NAME|FILE.yaml", show_default=False, autocompletion=options.recipes)
    ],
    encoder: Encoder = "vgg16",
) -> None:
    """Show a recipe as YAML.

    Prints every setting that it has with an encoder, those with their default among them. Saved to a file of its own
    and edited, it is a recipe for --recipe FILE.yaml of the commands run and paint.
    """
    from spnst_core.models.networks import ENCODERS
    from spnst_core.recipes.recipe import Recipe

    ENCODERS.require(encoder)
    typer.echo(Recipe.load(recipe).suited_to(encoder).to_yaml(), nl=False)

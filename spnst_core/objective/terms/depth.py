"""The depth term: depth should match that of the content, as a map or as the features behind it."""

from torch import Tensor

from spnst_core.objective import losses
from spnst_core.objective.canvas import framed
from spnst_core.objective.terms.term import Canvases, LossTerm, StageContext, no_map_for_features
from spnst_core.objective.view import View


def depth_term(stage: StageContext) -> LossTerm:
    """The term that the recipe's ``depth_on`` names.

    Raises:
        InputError: the recipe compares features, and the profile's depth network has none.
        ValueError: the recipe compares maps, and the content's targets hold none.
    """
    return DepthMapTerm(stage) if stage.recipe.depth_on == "maps" else DepthFeatureTerm(stage)


class DepthMapTerm(LossTerm):
    """`losses.depth_loss` of the maps that the depth network gives for content and pastiche in the same view.

    Where the user gave a map of the content's depth, it takes the place of the network's. The raw form, which knows no
    scale, sees it with the network's mean and spread. Where the user asks for detail, an error counts the recipe's
    ``detail`` times more.
    """

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        if stage.targets.depth is None:
            raise ValueError(f"recipe {stage.recipe.name} compares depth maps, but the content's targets hold none")
        given = stage.targets.depth.given
        self._given = framed(given[stage.size].to(stage.content), stage.recipe.margin) if given else None
        detail = stage.targets.detail_on(stage.content, stage.recipe.margin)
        self._shares = None if detail is None else 1 + stage.recipe.detail * detail

    def target(self, view: View) -> Tensor:
        """The content's inverse depth in a view, (1, 1, h, w)."""
        if self._given is None:
            return self._by_network(view)
        given = self._given[view.window]
        return given if self.stage.recipe.form == "relative" else _scaled(given, self._by_network(view))

    def _by_network(self, view: View) -> Tensor:
        return self.stage.models.depth(view.depth_input(self.stage.content))

    def __call__(self, canvases: Canvases, target: Tensor) -> Tensor:
        """The distance, (B,)."""
        return self.stage.on_whole_canvas(self._distance, canvases.x, canvases.view, target)

    def _distance(self, x: Tensor, view: View, target: Tensor) -> Tensor:
        shares = None if self._shares is None else self._shares[view.window]
        return losses.depth_loss(self.stage.models.depth(view.depth_input(x)), target, self.stage.recipe.form, shares)


def _scaled(x: Tensor, other: Tensor) -> Tensor:
    """A map with the mean and the standard deviation of another."""
    return (x - x.mean()) / x.std() * other.std() + other.mean()


class DepthFeatureTerm(LossTerm):
    """Squared error of the depth network's features (Cheng et al., TIP 2020)."""

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        if stage.targets.depth is not None and stage.targets.depth.given:
            raise no_map_for_features(stage.recipe, "depth")
        self._features = stage.features_of(stage.models.depth, "depth_on")

    def target(self, view: View) -> Tensor:
        """The content's features in a view, (1, C, h, w)."""
        return self._features(view.depth_input(self.stage.content))

    def __call__(self, canvases: Canvases, target: Tensor) -> Tensor:
        """The error, (B,)."""
        return self.stage.on_whole_canvas(self._error, canvases.x, canvases.view, target)

    def _error(self, x: Tensor, view: View, target: Tensor) -> Tensor:
        return losses.squared_error(self._features(view.depth_input(x)), target, self.stage.recipe.form)

"""What tests of the metrics share: the judges, and a photograph for them to look at."""

import pytest

from spnst_core.metrics.judges import load_judges


@pytest.fixture(scope="module")
def judges(models):
    return load_judges(models.device)


@pytest.fixture(scope="module")
def photograph(photographs):
    return photographs["chelsea"]

"""What tests of the metrics share: the judges, and a content for them to look at."""

import pytest

from spnst_core.metrics.judges import load_judges


@pytest.fixture(scope="module")
def judges(models):
    return load_judges(models.device)


@pytest.fixture(scope="module")
def content(sample_contents):
    return sample_contents["chelsea"]

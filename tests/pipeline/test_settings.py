"""Settings come from a file, the environment and flags; the later wins."""

import json
import os
from contextlib import suppress
from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spnst_core.errors import InputError
from spnst_pipeline.settings import Settings


def test_defaults():
    settings = Settings.load()
    assert (settings.profile, settings.recipes, settings.size) == ("vgg16", ("structure",), None)
    assert settings.out == "out"
    assert settings.dagster_home == Path("out/.dagster")


def test_flags_win_over_environment_which_wins_over_file(monkeypatch):
    Path("spnst.yaml").write_text("profile: from-file\nsize: 64\ndevice: from-file\n")
    monkeypatch.setenv("SPNST_SIZE", "128")
    monkeypatch.setenv("SPNST_DEVICE", "from-environment")
    settings = Settings.load(device="from-flag", size=None)
    assert (settings.profile, settings.size, settings.device) == ("from-file", 128, "from-flag")


def test_recipes_from_the_environment_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("SPNST_RECIPES", "structure, gatys")
    assert Settings.load().recipes == ("structure", "gatys")


def test_an_empty_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("SPNST_SIZE", "")
    assert Settings.load().size is None


def test_paths_in_a_file_count_from_where_the_file_lies(monkeypatch, tmp_path):
    (tmp_path / "there").mkdir()
    text = "content: contents\nstyle: /abs/styles\nout: ../made\nrecipes: [structure, mine.yaml]\n"
    (tmp_path / "there/spnst.yaml").write_text(text)
    monkeypatch.setenv("SPNST_CONFIG", str(tmp_path / "there/spnst.yaml"))
    settings = Settings.load()
    assert settings.content == str(tmp_path / "there/contents")
    assert settings.style == "/abs/styles"
    assert Path(settings.out).resolve() == tmp_path / "made"
    assert settings.recipes == ("structure", str(tmp_path / "there/mine.yaml"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("recipe: [structure]", r'unknown key recipe \(did you mean "recipes"\?\)'),
        ("size: 5", "size.*greater than or equal to 32.*5"),
        ("size: big", "size.*'big'"),
        ("recipes: []", "recipes"),
        ("- a\n- b", "must be a mapping"),
        ("a: [", "line 1: it isn't YAML"),
        ("size: 30000", "size.*less than or equal to 10000, not 30000"),
        ("size: 64\nsize: 65", "line 2: the key size is given twice"),
        ("size: !!int foo", "line 1: tags aren't read"),
        ("recipes: &a [*a]", "line 1: aliases aren't read"),
        ("batch: 1000000", "batch.*less than or equal to 100000"),
        ("gamut: display-p4", r'gamut: there is no such gamut \(did you mean "display-p3"\?\): there are srgb'),
        ("bits: 12", "bits: a channel of a PNG has 8 or 16 bits: choose one of them, not 12"),
        ("checkpoint_seconds: .nan", "checkpoint_seconds.*not nan"),
        ("checkpoint_seconds: .inf", "checkpoint_seconds.*not inf"),
        ('out: "a\\0b"', "out: no name holds a NUL character"),
        ("out: ~nobody-of-that-name/out", "~nobody-of-that-name/out: there is no such user"),
        ("device: [" + "x, " * 900 + "x]", "device.*… .[0-9,]+ characters."),
    ],
)
def test_faults_in_the_file_are_named_in_one_line(text, complaint):
    Path("spnst.yaml").write_text(text)
    with pytest.raises(InputError, match=complaint) as error:
        Settings.load()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_flag_too_is_quoted_by_its_beginning():
    with pytest.raises(InputError, match="setting size: .*, not this int"):
        Settings.load(size=10**5000)


def test_a_fifo_is_no_settings_file():
    os.mkfifo("spnst.yaml")
    with pytest.raises(InputError, match="settings spnst.yaml can't be read: it isn't a regular file"):
        Settings.load()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text("~/.:a0,\0\n é", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*Settings.model_fields, "siez"]), VALUES, max_size=4))
@hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], max_examples=60
)
def test_any_mapping_gives_settings_or_a_refusal(data):
    Path("spnst.yaml").write_text(yaml.safe_dump(data), "utf-8")
    with suppress(InputError):
        assert Settings.load().dagster_home


def test_a_named_file_must_be_there(monkeypatch):
    monkeypatch.setenv("SPNST_CONFIG", "nowhere.yaml")
    with pytest.raises(InputError, match=r"nowhere\.yaml can't be read"):
        Settings.load()


def test_written_settings_are_read_back_and_move_with_the_store(monkeypatch, tmp_path):
    out = tmp_path / "out"
    home = out / ".dagster"
    home.mkdir(parents=True)
    settings = Settings.load(
        content=str(out / "samples/content"), style=str(tmp_path / "styles"), out=str(out), size=96
    )
    (home / "spnst.yaml").write_text(settings.to_yaml(home))
    written = yaml.safe_load((home / "spnst.yaml").read_text())
    assert written["content"] == "../samples/content"
    assert written["style"] == str(tmp_path / "styles")

    out.rename(tmp_path / "moved")
    monkeypatch.setenv("SPNST_CONFIG", str(tmp_path / "moved/.dagster/spnst.yaml"))
    again = Settings.load()
    assert Path(again.content or "").resolve() == tmp_path / "moved/samples/content"
    assert Path(again.out).resolve() == tmp_path / "moved"
    assert again.size == 96


def test_addresses_stay_as_they_are(monkeypatch, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    given = {"content": "s3://bucket/contents", "style": str(home / "styles"), "out": "s3://bucket/made"}
    (home / "spnst.yaml").write_text(Settings.load(**given, home=str(home)).to_yaml(home))
    home.rename(tmp_path / "moved")
    monkeypatch.setenv("SPNST_CONFIG", str(tmp_path / "moved/spnst.yaml"))
    again = Settings.load()
    assert (again.content, again.out) == ("s3://bucket/contents", "s3://bucket/made")
    assert Path(again.style or "").resolve() == tmp_path / "moved/styles"
    assert again.dagster_home.resolve() == tmp_path / "moved"


def test_a_home_away_from_the_store_names_it_whole(tmp_path):
    """Either can be moved without the other."""
    settings = Settings.load(content=str(tmp_path / "out/samples"), out=str(tmp_path / "out"), home=str(tmp_path / "h"))
    written = yaml.safe_load(settings.to_yaml(tmp_path / "h"))
    assert (written["content"], written["out"]) == (str(tmp_path / "out/samples"), str(tmp_path / "out"))
    assert written["home"] == "."


@pytest.mark.parametrize(
    ("given", "home"),
    [
        ({"out": "made"}, "made/.dagster"),
        ({"out": "~/made"}, "{user}/made/.dagster"),
        ({"out": "made", "home": "~/records"}, "{user}/records"),
        ({"out": "s3://bucket/all/made/"}, "{user}/.local/share/spnst/bucket/all/made"),
        ({"out": "s3://bucket"}, "{user}/.local/share/spnst/bucket"),
        ({"out": "gs://bucket/made"}, "{user}/.local/share/spnst/gs/bucket/made"),
        ({"out": "az://container/made"}, "{user}/.local/share/spnst/az/container/made"),
        ({"out": "s3://bucket/made", "home": "records"}, "records"),
    ],
)
def test_where_dagster_keeps_its_records(monkeypatch, tmp_path, given, home):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME")
    assert Settings.load(**given).dagster_home == Path(home.format(user=tmp_path))


def test_the_users_data_folder_is_respected(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Settings.load(out="s3://bucket/made").dagster_home == tmp_path / "data/spnst/bucket/made"


def test_dagsters_records_need_a_folder():
    with pytest.raises(InputError, match="setting home.*a folder of this machine, not 's3://bucket/home'"):
        Settings.load(home="s3://bucket/home")


def test_the_gallerys_address_must_open_in_a_browser():
    with pytest.raises(InputError, match=r"gallery_url.*https://"):
        Settings.load(gallery_url="pictures.example/gallery")


def test_tags_of_runs_are_json_in_the_environment_and_plain_in_a_file(tmp_path, monkeypatch):
    tags = {"dagster-k8s/config": {"pod_spec_config": {"node_selector": {}}}, "place": "anywhere"}
    assert Settings.load().cpu_run_tags is None
    monkeypatch.setenv("SPNST_CPU_RUN_TAGS", json.dumps(tags))
    assert Settings.load().cpu_run_tags == tags
    monkeypatch.delenv("SPNST_CPU_RUN_TAGS")
    (tmp_path / "spnst.yaml").write_text(yaml.safe_dump({"cpu_run_tags": tags}))
    monkeypatch.setenv("SPNST_CONFIG", str(tmp_path / "spnst.yaml"))
    assert Settings.load().cpu_run_tags == tags


@pytest.mark.parametrize("given", ['{"place": ', "[1]", '{"two words": "x"}', '{"place": 3}', '{"a/b/c": "x"}'])
def test_what_no_run_can_be_tagged_with_is_refused(monkeypatch, given):
    monkeypatch.setenv("SPNST_CPU_RUN_TAGS", given)
    with pytest.raises(InputError, match="setting cpu_run_tags"):
        Settings.load()

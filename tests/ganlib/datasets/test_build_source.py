"""What holds for every file of ganlib/datasets, and for naming one in the settings."""

import pytest

from ganlib import components
from ganlib.datasets import OPTIONAL, Source, build_source
from ganlib.errors import UserError
from ganlib.settings import DataSettings


@pytest.mark.parametrize("name", components.names("datasets"))
def test_every_source_is_built_by_its_name_and_takes_settings_of_the_data_section(name):
    path = "somewhere" if "path" in components.fields_of(Source, name) else None
    source = build_source(DataSettings(source=name, path=path, seed=7))
    assert isinstance(source, Source)
    assert vars(source).keys() <= {*OPTIONAL, "seed"}
    assert getattr(source, "seed", 7) == 7


def test_an_unknown_source_lists_the_known_ones():
    with pytest.raises(UserError, match=r"^data\.source is 'digit'; choose one of: cifar, digits, .*stacked_mnist"):
        build_source(DataSettings(source="digit"))


@pytest.mark.parametrize(
    ("source", "setting", "value"),
    [("digits", "path", "pictures"), ("image_folder", "download", True), ("idx", "label_column", "class"),
     ("parquet", "variant", "mnist"), ("cifar", "count", 5), ("stacked_mnist", "layout", "ring")],
)  # fmt: skip
def test_a_source_says_so_when_a_setting_is_not_for_it(source, setting, value):
    settings = {"path": "pictures", setting: value} if source != "digits" else {setting: value}
    with pytest.raises(UserError, match=rf"data\.{setting} is not a parameter of {source}"):
        build_source(DataSettings(source=source, **settings))


@pytest.mark.parametrize("name", ["image_folder", "parquet"])
def test_a_source_of_a_persons_own_files_needs_a_path(name):
    with pytest.raises(UserError, match=r"^data\.path is missing"):
        build_source(DataSettings(source=name))

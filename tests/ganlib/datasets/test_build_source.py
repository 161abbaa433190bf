"""What holds for every file of ganlib/datasets, and for naming one in the settings."""

import pytest

from ganlib import components
from ganlib.datasets import Source, build_source
from ganlib.errors import UserError
from ganlib.settings import DataSettings


@pytest.mark.parametrize("name", components.names("datasets"))
def test_every_source_is_built_by_its_name_and_takes_settings_of_the_data_section(name):
    source = build_source(DataSettings(source=name, path="somewhere") if name != "digits" else DataSettings())
    assert isinstance(source, Source)
    assert vars(source).keys() <= {"path", "download"}


def test_an_unknown_source_lists_the_known_ones():
    with pytest.raises(UserError, match=r"^data\.source is 'digit'; choose one of: digits, idx, image_folder"):
        build_source(DataSettings(source="digit"))


def test_a_source_says_so_when_a_setting_is_not_for_it():
    with pytest.raises(UserError, match=r"data\.path is not a parameter of digits"):
        build_source(DataSettings(source="digits", path="pictures"))
    with pytest.raises(UserError, match=r"data\.download is not a parameter of image_folder"):
        build_source(DataSettings(source="image_folder", path="pictures", download=True))


def test_an_image_folder_needs_a_path():
    with pytest.raises(UserError, match=r"^data\.path is missing"):
        build_source(DataSettings(source="image_folder"))

"""Every app keeps the contract of capture."""

from tests.apps import capturing, naming, setting_off, trying, writings
from tests.apps.naming import capture, named, names  # noqa: F401 - fixtures


class TestQueuing(capturing.Queuing):
    pass


class TestLooking(capturing.Looking):
    pass


class TestInstalling(capturing.Installing):
    pass


class TestWatching(capturing.Watching):
    pass


class TestSilence(writings.Silence):
    pass


class TestSettingOff(setting_off.SettingOff):
    pass


class TestBranches(writings.Branches):
    pass


class TestLocking(writings.Locking):
    pass


class TestRenaming(writings.Renaming):
    pass


class TestRefusals(writings.Refusals):
    pass


class TestCarrying(writings.Carrying):
    pass


class TestTrying(trying.Trying):
    pass


class TestNaming(naming.Naming):
    pass

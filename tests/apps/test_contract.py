"""Every app keeps the contract."""

from tests.apps import contract, declaring


class TestDescribing(contract.Describing):
    pass


class TestWriting(contract.Writing):
    pass


class TestRefusing(contract.Refusing):
    pass


class TestReading(contract.Reading):
    pass


class TestCutting(contract.Cutting):
    pass


class TestTogether(contract.Together):
    pass


class TestViews(contract.Views):
    pass


class TestDeclaring(declaring.Declaring):
    pass

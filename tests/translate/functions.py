"""Functions as users write them for `python:`, good ones and wrong ones."""

from __future__ import annotations

import pandas as pd


def doubled(values: pd.Series) -> pd.Series:
    return values * 2


def halved(values: pd.Series) -> pd.Series:
    return values // 2


def shouted(values: pd.Series) -> pd.Series:
    return values.str.upper() + "!"


def without_first(values: pd.Series) -> pd.Series:
    return values.iloc[1:]


def turned(values: pd.Series) -> pd.Series:
    return values.iloc[::-1]


def turned_twice(values: pd.Series) -> pd.Series:
    return values.iloc[::-1].iloc[::-1]


def listed(values: pd.Series) -> list[object]:
    return list(values)


def mixed(values: pd.Series) -> pd.Series:
    return pd.Series([1, "one"], dtype=object)


def broken(values: pd.Series) -> pd.Series:
    raise KeyError("secret of a row")

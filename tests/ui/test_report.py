from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication

from musicclass_gui import __version__
from musicclass_gui.ui.report import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot


@pytest.fixture
def reporter(qtbot: QtBot) -> Iterator[Reporter]:
    reporter = Reporter(lambda: "CPU")
    hook = sys.excepthook
    reporter.install()
    yield reporter
    sys.excepthook = hook
    logging.getLogger().removeHandler(reporter.tail)
    if reporter.dialog is not None:
        reporter.dialog.close()
        reporter.dialog.deleteLater()


def crash() -> None:
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        sys.excepthook(type(error), error, error.__traceback__)


def test_an_unexpected_exception_opens_a_report(reporter: Reporter) -> None:
    logging.getLogger("musicclass").warning("the last thing that happened")
    crash()
    assert reporter.dialog is not None
    report = reporter.dialog.body.toPlainText()
    for part in (__version__, "PySide6", "Device: CPU", "ZeroDivisionError: a bug", "the last thing that happened"):
        assert part in report


def test_the_report_can_be_copied(reporter: Reporter) -> None:
    crash()
    assert reporter.dialog is not None
    reporter.dialog.copy.click()
    assert QApplication.clipboard().text() == reporter.dialog.body.toPlainText()


def test_a_storm_of_exceptions_opens_one_dialog(reporter: Reporter) -> None:
    crash()
    first = reporter.dialog
    crash()
    assert reporter.dialog is first

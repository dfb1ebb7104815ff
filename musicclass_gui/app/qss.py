"""The one style sheet, with `$token` where `theme.py` puts a colour.

A widget says what it is by the dynamic property `class`: "primary" and "quiet" buttons; "title", "muted", "good",
"warn", "bad" and "badge" labels; "card" and "overlay" frames.
"""

from __future__ import annotations

QSS = """
* { outline: none; }
QWidget { color: $text; }
QWidget:disabled { color: $faint; }
QMainWindow, QDialog { background: $window; }
QMainWindow::separator { background: $window; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: $accent; }

QLabel[class="title"] { font-size: 15pt; font-weight: 600; }
QLabel[class="muted"] { color: $text_muted; }
QLabel[class="good"] { color: $good; }
QLabel[class="warn"] { color: $warn; }
QLabel[class="bad"] { color: $bad; }
QLabel[class="badge"] { background: $raised; color: $text; border: 1px solid $border; border-radius: 9px; padding: 1px 8px; }
QFrame[class="card"] { background: $surface; border: 1px solid $border; border-radius: 8px; }
QFrame[class="overlay"] { background: $raised; border: 2px dashed $accent; border-radius: 12px; }

QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 5px 7px; }

QMenuBar { background: $window; padding: 2px 4px; }
QMenuBar::item { background: transparent; padding: 5px 10px; border-radius: 5px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $surface; border: 1px solid $border; border-radius: 6px; padding: 5px; }
QMenu::item { padding: 6px 28px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: $accent; color: $accent_text; }
QMenu::item:disabled { color: $faint; background: transparent; }
QMenu::icon { padding-left: 8px; }
QMenu::separator { height: 1px; background: $border; margin: 5px 8px; }

QToolBar { background: $window; border: none; border-bottom: 1px solid $border; spacing: 4px; padding: 5px 8px; }
QToolBar::separator { background: transparent; border-left: 1px solid $border; width: 1px; margin: 5px 4px; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $chosen; border-color: $accent; }
QToolButton:focus { border-color: $accent; }
QToolButton[popupMode="1"], QToolButton[popupMode="2"] { padding-right: 16px; }
QToolButton::menu-button { border: none; width: 16px; }
QToolButton::menu-indicator { image: url("$arrow_down"); width: 10px; height: 10px; right: 4px; subcontrol-position: center right; }
QToolButton::menu-arrow { image: url("$arrow_down"); width: 10px; height: 10px; }
QStatusBar { background: $window; border-top: 1px solid $border; color: $text_muted; }
QStatusBar::item { border: none; }

QPushButton { background: $raised; border: 1px solid $border; border-radius: 6px; padding: 6px 14px; min-height: 18px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $pressed; }
QPushButton:focus { border: 2px solid $accent; padding: 5px 13px; }
QPushButton:disabled { background: $window; color: $faint; }
QPushButton:default, QPushButton[class="primary"] { background: $accent; color: $accent_text; border-color: $accent; font-weight: 600; }
QPushButton:default:hover, QPushButton[class="primary"]:hover { background: $accent_hover; }
QPushButton:default:focus, QPushButton[class="primary"]:focus { border: 2px solid $text; padding: 5px 13px; }
QPushButton:default:disabled, QPushButton[class="primary"]:disabled { background: $raised; color: $faint; border-color: $border; }
QPushButton[class="quiet"] { background: transparent; border-color: transparent; }
QPushButton[class="quiet"]:hover { background: $hover; }
QPushButton[class="quiet"]:focus { border-color: $accent; }

QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox {
  background: $surface; border: 1px solid $border; border-radius: 6px; padding: 4px 8px; min-height: 20px;
  selection-background-color: $accent; selection-color: $accent_text; placeholder-text-color: $text_muted; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: $handle; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {
  border: 2px solid $accent; padding: 3px 7px; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { background: $window; color: $faint; }
QComboBox { padding-right: 24px; combobox-popup: 0; }
QComboBox:focus { padding-right: 23px; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url("$arrow_down"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $border; padding: 0;
  selection-background-color: $accent; selection-color: $accent_text; }
QAbstractSpinBox { padding-right: 20px; }
QAbstractSpinBox:focus { padding-right: 19px; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit { background: transparent; border: none; padding: 0 0 0 4px; min-height: 0; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { background: transparent; border: none; width: 18px; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $hover; }
QAbstractSpinBox::up-arrow { image: url("$arrow_up"); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url("$arrow_down"); width: 10px; height: 10px; }

QGroupBox { background: $surface; border: 1px solid $border; border-radius: 8px; margin-top: 22px; padding: 10px; }
QGroupBox::title { subcontrol-origin: margin; subcontrol-position: top left; left: 2px; padding: 2px 4px;
  color: $text_muted; font-weight: 600; }

QTabWidget::pane { border: 1px solid $border; border-radius: 6px; top: -1px; background: $surface; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $text_muted; padding: 7px 14px; border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { background: $hover; }

QDockWidget { color: $text_muted; font-weight: 600; icon-size: 14px;
  titlebar-close-icon: url("$dock_close"); titlebar-normal-icon: url("$dock_float"); }
QDockWidget::title { background: $window; padding: 7px 10px; border-bottom: 1px solid $border; }
QDockWidget::close-button, QDockWidget::float-button { background: transparent; border: none; border-radius: 4px; padding: 2px; }
QDockWidget::close-button:hover, QDockWidget::float-button:hover { background: $hover; }

QAbstractItemView { background: $surface; alternate-background-color: $stripe; border: 1px solid $border; gridline-color: $grid;
  selection-background-color: $chosen; selection-color: $text; }
QTableView::item, QListView::item, QTreeView::item { padding: 4px 6px; border: none; }
QListView::item:hover, QTreeView::item:hover { background: $hover; }
QTableView::item:selected, QListView::item:selected, QTreeView::item:selected { background: $chosen; color: $text; }
QTableView::item:focus { border: 1px solid $accent; }
QTableView:focus, QListView:focus, QTreeView:focus { border-color: $accent; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section { background: $surface; color: $text_muted; border: none; border-bottom: 1px solid $border;
  padding: 6px 8px; font-weight: 600; }
QHeaderView::section:hover { color: $text; background: $hover; }
QHeaderView::up-arrow { image: url("$arrow_up"); width: 10px; height: 10px; subcontrol-position: center right; }
QHeaderView::down-arrow { image: url("$arrow_down"); width: 10px; height: 10px; subcontrol-position: center right; }
QTableCornerButton::section { background: $surface; border: none; border-bottom: 1px solid $border; }

QSlider { min-height: 20px; }
QSlider::groove:horizontal { background: $groove; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; height: 4px; border-radius: 2px; }
QSlider::handle:horizontal { background: $surface; border: 2px solid $accent; border-radius: 8px;
  width: 12px; height: 12px; margin: -6px 0; }
QSlider::handle:horizontal:hover { background: $accent; }
QSlider::handle:horizontal:focus { background: $accent; border-color: $text; }
QSlider::groove:vertical { background: $groove; width: 4px; border-radius: 2px; }
QSlider::handle:vertical { background: $surface; border: 2px solid $accent; border-radius: 8px;
  width: 12px; height: 12px; margin: 0 -6px; }
QSlider::sub-page:horizontal:disabled { background: $border; }
QSlider::handle:horizontal:disabled { border-color: $border; }

QProgressBar { background: $groove; border: none; border-radius: 4px; text-align: center; min-height: 8px; }
QProgressBar::chunk { background: $progress; border-radius: 4px; }
QProgressBar[textVisible="false"]::chunk { background: $accent; }

QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $handle; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $text_muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }

QCheckBox, QRadioButton { spacing: 8px; border: 1px solid transparent; border-radius: 4px; padding: 2px; }
QCheckBox:focus, QRadioButton:focus { border-color: $accent; }
QCheckBox::indicator, QRadioButton::indicator, QAbstractItemView::indicator, QGroupBox::indicator {
  width: 14px; height: 14px; background: $surface; border: 1px solid $text_muted; border-radius: 4px; }
QRadioButton::indicator { border-radius: 8px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $accent; }
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked, QGroupBox::indicator:checked {
  background: $accent; border-color: $accent; image: url("$check"); }
QRadioButton::indicator:checked { background: $surface; border: 5px solid $accent; border-radius: 8px; width: 6px; height: 6px; }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $border; background: $window; }
QSplitter::handle { background: $border; }
QSplitter::handle:hover { background: $accent; }
QSplitter::handle:horizontal { width: 3px; }
QSplitter::handle:vertical { height: 3px; }
"""

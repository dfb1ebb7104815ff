"""A class as a card of the class board, and the strip that the cards stand in.

Cards are made when they come into sight, so that a classifier of two thousand classes opens as quickly as one of three.
It must not know the session: wishes are passed on as signals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QScrollArea, QSizePolicy, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from musicclass_gui.app import words
from musicclass_gui.ui.board_list import ExampleList
from musicclass_gui.ui.board_models import MIME, ExampleRow, dropped
from musicclass_gui.ui.classlook import Look, Looks, Swatch, count_words, quality_words, role_words
from musicclass_gui.ui.widgets import Elided, Styled, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import ClassView
    from musicclass_gui.ui.minimel import Pictures

COLUMN_WIDTH = 272
_GAP = 10
_BAR = 4
_LOW = 190
_KEYS = "Space hears, M moves, Delete takes out, F2 renames the class, arrows left and right go to the next class."
_LONGEST_NAME = 200


class QualityBar(QWidget):
    """The share of right answers as a thin bar; dashed where nothing was tested."""

    def __init__(self) -> None:
        super().__init__()
        self._share: float | None = None
        self._ink = self._ground = "#000000"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_share(self, share: float | None, look: Look, theme: Theme) -> None:
        """Show `share`, 0 to 1, in the class's colour."""
        self._share, self._ink, self._ground = share, look.colour, theme.raised
        self.update()

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        return QSize(40, _BAR)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._share is None:
            painter.setPen(QPen(QColor(self._ground), 2, Qt.PenStyle.DashLine))
            painter.drawLine(1, _BAR // 2, self.width() - 1, _BAR // 2)
            return
        painter.setPen(Qt.PenStyle.NoPen)
        for ink, width in ((self._ground, 1.0), (self._ink, self._share)):
            painter.setBrush(QColor(ink))
            painter.drawRoundedRect(QRectF(0, 0, max(_BAR, self.width() * width) if width else 0, _BAR), 2, 2)


class NameField(QStackedWidget):
    """A name that becomes a field when it is to be changed: by a double click, or by `edit`. `renamed` carries the new name."""

    renamed = Signal(str)
    over = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.label = Elided(mode=Qt.TextElideMode.ElideRight)
        set_role(self.label, "name")
        self.field = QLineEdit()
        self.field.setMaxLength(_LONGEST_NAME)
        self.field.setAccessibleName("Name of the class")
        self.addWidget(self.label)
        self.addWidget(self.field)
        self.field.setStyleSheet("QLineEdit { min-height: 16px; padding: 1px 4px }")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.field.returnPressed.connect(self._take)
        self.field.editingFinished.connect(self._leave)

    def show_name(self, name: str) -> None:
        """Show `name`."""
        self.label.set_full(name)

    def edit(self) -> None:
        """Let the user type another name."""
        self.field.setText(self.label.full)
        self.setCurrentWidget(self.field)
        self.field.selectAll()
        self.field.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: Esc leaves the name as it was."""
        if event.key() == Qt.Key.Key_Escape and self.currentWidget() is self.field:
            self._leave()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """What Qt tells."""
        self.edit()

    def _take(self) -> None:
        name = self.field.text().strip()
        if name and name != self.label.full:
            self.renamed.emit(name)
        self._leave()

    def _leave(self) -> None:
        if self.currentWidget() is self.field:
            self.setCurrentWidget(self.label)
            self.over.emit()


class ClassColumn(Styled):
    """A class: what it is called, how much it was taught with, how good it is, and its examples.

    `wished` carries "move" or "take_out"; `dropped_on` examples' ids that were let go here; `left` −1 or 1.
    """

    heard = Signal(object)
    wished = Signal(str)
    renamed = Signal(str)
    dropped_on = Signal(list)
    left = Signal(int)
    asked_menu = Signal(QPoint)

    def __init__(self, pictures: Pictures, theme: Theme, parent: QWidget) -> None:
        super().__init__("card", parent)
        self._theme = theme
        self._target = False
        self.cls = 0
        self.swatch = Swatch()
        self.name = NameField()
        self.badge = text("", "badge")
        self.more = QToolButton()
        self.counts, self.quality = (Elided(mode=Qt.TextElideMode.ElideRight) for _ in range(2))
        self.bar = QualityBar()
        self.list = ExampleList(pictures, theme)
        self.hint = text("", "muted", wrap=True)
        self.setAcceptDrops(True)
        self._build()
        self._connect()

    def show_class(self, view: ClassView, classes: Sequence[ClassView], looks: Looks, theme: Theme) -> None:
        """Show a class of `classes`."""
        self._theme, self.cls = theme, view.id
        look = looks.of(view.id)
        self.swatch.show_look(look)
        self.name.show_name(view.name)
        self.badge.setText(role_words(view, classes))
        self.badge.setVisible(bool(self.badge.text()))
        self._show_facts(view)
        self.bar.show_share(view.quality, look, theme)
        self.hint.setText(_hint(view))
        self.hint.setVisible(not view.examples)
        self.list.show_rows([ExampleRow(example, view.id, look) for example in view.examples])
        self._name_for_readers(view)

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme; the colours come with the next `show_class`."""
        self._theme = theme
        self.list.set_theme(theme)

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """What takes keys, in order."""
        return self.name.field, self.more, self.list

    def take_focus(self) -> None:
        """Let keys go to the examples."""
        self.list.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if not self.list.currentIndex().isValid() and self.list.model_.rowCount():
            self.list.setCurrentIndex(self.list.model_.index(0, 0))

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 6, 6)
        box.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(8)
        for part, stretch in ((self.swatch, 0), (self.name, 1), (self.badge, 0), (self.more, 0)):
            head.addWidget(part, stretch)
        box.addLayout(head)
        for label in (self.counts, self.quality):
            set_role(label, "small")
            box.addWidget(label)
        box.addSpacing(3)
        box.addWidget(self.bar)
        box.addSpacing(3)
        box.addWidget(self.hint)
        box.addWidget(self.list, 1)
        self.badge.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.more.setText("⋯")
        self.more.setAutoRaise(True)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setToolTip("Rename, merge, delete")
        self.name.label.setToolTip("Double-click or press F2 to rename")

    def _connect(self) -> None:
        self.list.heard.connect(self.heard)
        self.list.wished.connect(self._wish)
        self.list.left.connect(self.left)
        self.list.focused.connect(self.update)
        self.list.asked_menu.connect(self.asked_menu)
        self.name.renamed.connect(self.renamed)
        self.name.over.connect(self.take_focus)
        self.more.clicked.connect(lambda: self.asked_menu.emit(self.more.mapToGlobal(QPoint(0, self.more.height()))))

    def _name_for_readers(self, view: ClassView) -> None:
        self.setAccessibleName(f"Class {view.name}, {self.counts.full}, {self.quality.full}")
        self.list.setAccessibleName(f"Examples of {view.name}")
        self.list.setAccessibleDescription(_KEYS)
        self.more.setAccessibleName(f"What can be done with {view.name}")

    def _show_facts(self, view: ClassView) -> None:
        note = view.quality_note if view.quality is not None else ""
        self.counts.set_full(count_words(view))
        self.quality.set_full(" · ".join(filter(None, [quality_words(view), note])))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size; in a low one the examples need the room of the counts, which their number tells too."""
        super().resizeEvent(event)
        self.counts.setVisible(self.height() >= _LOW)

    def _wish(self, wish: str) -> None:
        if wish == "rename":
            self.name.edit()
        else:
            self.wished.emit(wish)

    # Examples of other classes that are dragged here

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """What Qt tells: something is dragged over it."""
        if event.mimeData().hasFormat(MIME) and event.source() is not self.list:
            event.acceptProposedAction()
            self._set_target(True)
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """What Qt tells."""
        self._set_target(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """What Qt tells: examples were let go here."""
        self._set_target(False)
        examples = dropped(event.mimeData())
        if examples:
            event.acceptProposedAction()
            self.dropped_on.emit(examples)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it, with a frame while something is dragged over it or keys go to its examples."""
        super().paintEvent(event)
        if self._target or self.list.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            style = Qt.PenStyle.DashLine if self._target else Qt.PenStyle.SolidLine
            painter.setPen(QPen(QColor(self._theme.accent), 2, style))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)

    def _set_target(self, target: bool) -> None:
        self._target = target
        self.update()


def _hint(view: ClassView) -> str:
    if view.base:
        learned = words.counted(view.base_recordings, "recording")
        return f"Learned from {learned} of {view.base}, not in this project. Drag examples here to add your own."
    return "No examples. Drag some here, or teach a folder of this name."


class Strip(QScrollArea):
    """The cards side by side, made when they come into sight. Signals are those of the cards, with the class's id first."""

    heard = Signal(object)
    wished = Signal(int, str)
    renamed = Signal(int, str)
    dropped_on = Signal(int, list)
    asked_menu = Signal(int, QPoint)

    def __init__(self, pictures: Pictures, theme: Theme) -> None:
        super().__init__()
        self._pictures, self._theme = pictures, theme
        self._classes: list[ClassView] = []
        self._looks = Looks()
        self.columns: dict[int, ClassColumn] = {}
        self._before: QWidget | None = None
        self._chained: tuple[int, ...] = ()
        self._page = Styled("panel")
        self.setWidget(self._page)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Classes")
        set_role(self, "plain")
        self.horizontalScrollBar().valueChanged.connect(self._fill)

    def follow(self, before: QWidget) -> None:
        """Tab goes from `before` to the first card, and through the cards as they stand."""
        self._before = before

    def show_classes(self, classes: Sequence[ClassView], looks: Looks) -> None:
        """Show these classes, in this order."""
        self._classes, self._looks = list(classes), looks
        known = {view.id for view in classes}
        for gone in [cls for cls in self.columns if cls not in known]:
            column = self.columns.pop(gone)
            column.hide()
            column.deleteLater()
        by_id = {view.id: view for view in classes}
        for cls, column in self.columns.items():
            column.show_class(by_id[cls], classes, looks, self._theme)
        self._arrange()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        for column in self.columns.values():
            column.set_theme(theme)

    def reveal(self, cls: int) -> ClassColumn | None:
        """Bring the card of a class into sight; None when there is no such class."""
        place = self._place(cls)
        if place is None:
            return None
        left = _GAP + place * (COLUMN_WIDTH + _GAP)
        self.ensureVisible(left + COLUMN_WIDTH // 2, 1, COLUMN_WIDTH // 2 + _GAP, 0)
        self._fill()
        return self.columns[cls]

    def focused(self) -> ClassColumn | None:
        """The card whose examples have the keys, or had them last."""
        return next((column for column in self.columns.values() if column.list.hasFocus()), None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size."""
        super().resizeEvent(event)
        self._arrange()

    def _place(self, cls: int) -> int | None:
        return next((place for place, view in enumerate(self._classes) if view.id == cls), None)

    def _arrange(self) -> None:
        width = _GAP + len(self._classes) * (COLUMN_WIDTH + _GAP)
        bar = self.horizontalScrollBar().sizeHint().height() if width > self.width() else 0
        self._page.resize(max(width, self.viewport().width()), self.height() - bar)
        self._fill()

    def _fill(self) -> None:
        """Make the cards that are in sight, and put all that are made where they belong."""
        first = self.horizontalScrollBar().value()
        for place, view in enumerate(self._classes):
            left = _GAP + place * (COLUMN_WIDTH + _GAP)
            if view.id not in self.columns and left + COLUMN_WIDTH > first and left < first + self.viewport().width():
                self._make(view)
            if view.id in self.columns:
                self.columns[view.id].setGeometry(left, 0, COLUMN_WIDTH, self._page.height() - _GAP // 2)
        self._chain()

    def _chain(self) -> None:
        """Cards are made in any order, but tabbed through as they stand."""
        order = tuple(view.id for view in self._classes if view.id in self.columns)
        if order == self._chained or self._before is None:
            return
        self._chained, before = order, self._before
        for cls in order:
            for stop in self.columns[cls].stops:
                QWidget.setTabOrder(before, stop)
                before = stop

    def _make(self, view: ClassView) -> None:
        column = ClassColumn(self._pictures, self._theme, self._page)
        cls = view.id
        column.heard.connect(self.heard)
        column.wished.connect(lambda wish: self.wished.emit(cls, wish))
        column.renamed.connect(lambda name: self.renamed.emit(cls, name))
        column.dropped_on.connect(lambda examples: self.dropped_on.emit(cls, examples))
        column.asked_menu.connect(lambda place: self.asked_menu.emit(cls, place))
        column.left.connect(lambda step: self._step(cls, step))
        column.show_class(view, self._classes, self._looks, self._theme)
        self.columns[cls] = column
        column.show()

    def _step(self, cls: int, step: int) -> None:
        place = self._place(cls)
        if place is not None and 0 <= place + step < len(self._classes):
            column = self.reveal(self._classes[place + step].id)
            if column is not None:
                column.take_focus()

"""Small widgets that several panels share: elided text, quiet labels, columns that stack when space is short.

It must not know the session, the player or any panel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QLayout, QLayoutItem, QSizePolicy, QToolButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QIcon, QResizeEvent


class Elided(QLabel):
    """A one-line label that shortens its text to the room it has and shows the whole of it as a tool tip."""

    def __init__(self, text: str = "", *, mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle, tip: str = "") -> None:
        super().__init__()
        self._full = ""
        self._mode = mode
        self._tip = tip
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_full(text)

    @property
    def full(self) -> str:
        """The text before it was shortened."""
        return self._full

    def set_full(self, text: str) -> None:
        """Show `text`, shortened where it must be."""
        self._full = text
        self.setAccessibleName(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size."""
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._full) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """What Qt asks: the least room it can do with."""
        return QSize(QFontMetrics(self.font()).averageCharWidth() * 6, super().minimumSizeHint().height())

    def _fit(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._full, self._mode, max(0, self.contentsRect().width()))
        self.setText(shown)
        self.setToolTip("\n".join(filter(None, [self._full if shown != self._full else "", self._tip if self._full else ""])))


class Columns(QWidget):
    """Its children stand side by side while each gets `column_width` pixels, else one above the other."""

    def __init__(self, column_width: int, spacing: int = 12) -> None:
        super().__init__()
        self._column_width = column_width
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(spacing)

    def add(self, child: QWidget) -> None:
        """Put `child` last."""
        self._box.addWidget(child)
        self._arrange()

    def clear(self) -> None:
        """Take all children out and let them go."""
        clear_layout(self._box)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size."""
        super().resizeEvent(event)
        self._arrange()

    @property
    def side_by_side(self) -> bool:
        """Whether the children stand side by side now."""
        return self._box.direction() == QBoxLayout.Direction.LeftToRight

    def _arrange(self) -> None:
        wide = self._box.count() > 1 and self.width() >= self._column_width * self._box.count()
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        for place in range(self._box.count()):
            self._box.setStretch(place, int(wide))
        if direction != self._box.direction():
            self._box.setDirection(direction)


class Styled(QFrame):
    """A frame whose background and border come from the style sheet by its `role`."""

    def __init__(self, role: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, role)


def set_role(widget: QWidget, role: str) -> None:
    """Give `widget` the look that the style sheet has for `role`."""
    if widget.property("class") == role:
        return
    widget.setProperty("class", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def text(words: str = "", role: str = "body", *, wrap: bool = False) -> QLabel:
    """A plain-text label in the look of `role`: body, muted, title, headline, section."""
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    set_role(label, role)
    return label


def icon_button(icon: QIcon, name: str, tip: str = "", *, size: int = 20, checkable: bool = False) -> QToolButton:
    """A flat button with a picture, a spoken name and a tool tip."""
    button = QToolButton()
    button.setIcon(icon)
    button.setIconSize(QSize(size, size))
    button.setAutoRaise(True)
    button.setCheckable(checkable)
    button.setAccessibleName(name)
    button.setToolTip(tip or name)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def clear_layout(box: QLayout) -> None:
    """Take everything out of a layout and let it go."""
    while box.count() and (item := box.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class Flow(QLayout):
    """A layout that fills lines from left to right like words on a page."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 6) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        """What Qt asks: take `item`."""
        self._items.append(item)

    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at `index`, or None past the end, which is how Qt finds the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take the item at `index` out; None past the end."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """Its height depends on its width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height that it needs at `width` pixels."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Lay everything out in `rect`."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """The size of its largest item."""
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Lay the items out in `rect`; the height that they take."""
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            hint = item.sizeHint()
            if x > rect.x() and x + hint.width() > rect.right() + 1:
                x, y, line = rect.x(), y + line + self.spacing(), 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), hint))
            x += hint.width() + self.spacing()
            line = max(line, hint.height())
        return y + line - rect.y()


class Placeholder(QWidget):
    """What a panel shows instead of an empty table: what will be there, and how to get it there."""

    def __init__(self, heading: str, hint: str) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(24, 12, 24, 12)
        box.setSpacing(4)
        box.addStretch()
        self.heading, self.hint = text(heading, "name", wrap=True), text(hint, "muted", wrap=True)
        for label in (self.heading, self.hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.addWidget(label)
        box.addStretch()

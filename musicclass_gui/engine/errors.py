"""One tree of exceptions. Foreign errors are mapped to it at the edge where they arise.

The text of each is one sentence for the user: what failed, why, and what to do about it.
"""

from __future__ import annotations


class MusicClassError(Exception):
    """Something a user can understand and act on; `str(error)` is the whole message."""


class AudioError(MusicClassError):
    """A recording cannot be read."""


class EncoderError(MusicClassError):
    """An encoder cannot be loaded or run."""


class WeightsError(EncoderError):
    """Weights are missing, damaged, of the wrong architecture, or could not be fetched."""


class ClassifierError(MusicClassError):
    """A classifier's folder is missing, damaged, or does not fit its encoder."""


class DataError(MusicClassError):
    """Data given for building a classifier is missing or not as expected."""


class ProjectError(MusicClassError):
    """A project file cannot be made, opened, read or written."""


class LessonError(MusicClassError):
    """A lesson cannot be given as asked for."""


class ExtractError(MusicClassError):
    """Features cannot be extracted, or not be written, as asked for."""


class BenchmarkError(MusicClassError):
    """A benchmark cannot be run as asked for."""


class ServiceError(MusicClassError):
    """The process that does the heavy work stopped or could not be started."""


class Cancelled(MusicClassError):
    """Not a failure: the user asked for the work to stop."""

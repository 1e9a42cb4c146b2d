"""Questions about scenes: templates over relations, phrases and free space."""

from roborefer.refspatial.questions.ask import ask, ask_demanding
from roborefer.refspatial.questions.multi_view import ask_pair
from roborefer.refspatial.questions.question import QUESTION_KINDS, Mark, MarkColor, Question, QuestionKind

__all__ = ["QUESTION_KINDS", "Mark", "MarkColor", "Question", "QuestionKind", "ask", "ask_demanding", "ask_pair"]

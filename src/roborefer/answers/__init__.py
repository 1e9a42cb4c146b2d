"""The one reader, and writer, of model text: points, steps, boxes, a choice, or the reason why there is none.

Inference, rewards, benchmarks and the server all read through :func:`parse_answer`, so that a reply counts as a
hit identically in each of them. Nothing here evaluates text; every reader takes time linear in the text's length.
"""

from roborefer.answers.forms import ANSWER_FORMS, AnswerForm
from roborefer.answers.reader import MAX_TEXT_LENGTH, Answer, parse_answer
from roborefer.answers.sections import follows_format, says_nothing_fits
from roborefer.answers.steps import STEP_KINDS
from roborefer.answers.writer import write_answer, write_points

__all__ = [
    "ANSWER_FORMS",
    "MAX_TEXT_LENGTH",
    "STEP_KINDS",
    "Answer",
    "AnswerForm",
    "follows_format",
    "parse_answer",
    "says_nothing_fits",
    "write_answer",
    "write_points",
]

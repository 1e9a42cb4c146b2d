"""Cuts a reply into its thought, ``<think>...</think>``, and the part that answers, ``<answer>...</answer>``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from roborefer.answers.problems import ProblemLog

_TAG = re.compile(r"<(/?)(think|answer)\s*+>", re.IGNORECASE)
_STRICT_TAG = re.compile(r"</?(?:think|answer)>")
_STRICT_ORDER = ["<think>", "</think>", "<answer>", "</answer>"]

_Span = tuple[int, int]


def is_text(value: object) -> bool:
    """Whether ``value`` is text: a backend that failed may have handed on None."""
    return isinstance(value, str)


def follows_format(text: str) -> bool:
    """Whether a reply is exactly ``<think>...</think>`` then ``<answer>...</answer>``.

    This is the outcome format reward R_OF (paper section 3.3). Each tag stands there once, in lower case; before,
    between and after the two blocks there is only whitespace. What the blocks hold is not judged.
    """
    if not is_text(text):
        return False
    tags: list[re.Match[str]] = []
    for tag in _STRICT_TAG.finditer(text):
        if len(tags) == len(_STRICT_ORDER):
            return False
        tags.append(tag)
    if [tag.group() for tag in tags] != _STRICT_ORDER:
        return False
    between = text[: tags[0].start()], text[tags[1].end() : tags[2].start()], text[tags[3].end() :]
    return not any(part.strip() for part in between)


def says_nothing_fits(text: str) -> bool:
    """Whether a reply answers with an empty list, ``[]``: there is no such thing in the picture."""
    sections = split_sections(text, ProblemLog())
    return (sections.outside if sections.answer is None else sections.answer).strip() == "[]"


@dataclass(frozen=True)
class Sections:
    """A reply in its parts.

    Attributes:
        thought: What stands inside ``<think>``; None when there is no such tag.
        answer: What stands inside the last ``<answer>``; None when there is no such tag.
        outside: What stands outside both.
        thought_cut, answer_cut, outside_cut: Whether the part runs to the very end of the reply, so that its last
            number may have lost digits.
    """

    thought: str | None
    answer: str | None
    outside: str
    thought_cut: bool
    answer_cut: bool
    outside_cut: bool


class _Splitter:
    """Walks over the tags once; ``mode`` names the part that the text at the current place belongs to."""

    def __init__(self, text: str, log: ProblemLog) -> None:
        self.text = text
        self.log = log
        self.mode = "outside"
        self.mode_after_thought = "outside"
        self.begin = 0
        self.thought: list[_Span] = []
        self.answers: list[list[_Span]] = []
        self.outside: list[_Span] = []
        self.quoted_begin: re.Match[str] | None = None
        self.quoted_end: re.Match[str] | None = None

    def split(self) -> Sections:
        for tag in _TAG.finditer(self.text):
            closing, name = bool(tag[1]), tag[2].lower()
            if self.mode == "think":
                self._tag_in_thought(tag, closing, name)
            elif name == "think":
                self._think_tag(tag, closing)
            elif closing:
                self._answer_ends(tag)
            elif self.mode == "outside":
                self._keep(tag.start())
                self.answers.append([])
                self._enter("answer", tag.end())
        self._text_ends()
        return self._sections()

    def _enter(self, mode: str, begin: int) -> None:
        self.mode, self.begin = mode, begin

    def _keep(self, end: int) -> None:
        """Gives the text up to ``end`` to the part that it stands in."""
        spans = {"outside": self.outside, "think": self.thought}.get(self.mode)
        (self.answers[-1] if spans is None else spans).append((self.begin, end))

    def _tag_in_thought(self, tag: re.Match[str], closing: bool, name: str) -> None:
        if name == "think":
            if closing:
                self._keep(tag.start())
                self._enter(self.mode_after_thought, tag.end())
        elif not closing:
            self.quoted_begin, self.quoted_end = tag, None
        elif self.quoted_begin is not None:
            self.quoted_end = tag

    def _think_tag(self, tag: re.Match[str], closing: bool) -> None:
        if closing:
            # Some chat templates end with "<think>", so that the reply begins inside the thought.
            self.log.add("</think> without <think>: the text before it is taken as thought")
            self.thought.append((self.begin, tag.start()))
            self.begin = tag.end()
            return
        self._keep(tag.start())
        self.mode_after_thought = self.mode
        self.quoted_begin = self.quoted_end = None
        self._enter("think", tag.end())

    def _answer_ends(self, tag: re.Match[str]) -> None:
        if self.mode == "outside":
            self.log.add("</answer> without <answer>")
        self._keep(tag.start())
        self._enter("outside", tag.end())

    def _text_ends(self) -> None:
        if self.mode == "think" and self._ends_with_quoted_answer():
            assert self.quoted_begin is not None
            assert self.quoted_end is not None
            self.log.add("<think> is never closed: it is taken to end where <answer> begins")
            self._keep(self.quoted_begin.start())
            self.answers.append([(self.quoted_begin.end(), self.quoted_end.start())])
            return
        if self.mode == "think":
            self.log.add("<think> is never closed: nothing after it is read as an answer")
        elif self.mode == "answer":
            self.log.add("<answer> is never closed")
        self._keep(len(self.text))

    def _ends_with_quoted_answer(self) -> bool:
        # A thought may mention the tags; only a whole block that ends the reply is more than a mention.
        return self.quoted_end is not None and not self.text[self.quoted_end.end() :].strip()

    def _sections(self) -> Sections:
        if len(self.answers) > 1:
            self.log.add(f"{len(self.answers)} <answer> blocks: the last one is read")
        answer = self.answers[-1] if self.answers else None
        return Sections(
            thought=self._join(self.thought) if self.thought else None,
            answer=None if answer is None else self._join(answer),
            outside=self._join(self.outside),
            thought_cut=self._runs_to_end(self.thought),
            answer_cut=self._runs_to_end(answer or []),
            outside_cut=self._runs_to_end(self.outside),
        )

    def _join(self, spans: list[_Span]) -> str:
        return "\n".join(self.text[begin:end] for begin, end in spans).strip(" \t\r\n")

    def _runs_to_end(self, spans: list[_Span]) -> bool:
        # Text that ends with whitespace has ended its last number.
        begin, end = spans[-1] if spans else (0, 0)
        return begin < end == len(self.text) and not self.text[-1].isspace()


def split_sections(text: str, log: ProblemLog) -> Sections:
    """Cuts a reply into its parts.

    * A block ``<think>`` inside ``<answer>`` is thought; ``<answer>`` inside a closed ``<think>`` is thought too.
    * Of several ``<answer>`` blocks the last one answers.
    * After a ``<think>`` that is never closed only a whole ``<answer>`` block that ends the reply answers.
    * ``</think>`` alone ends a thought that began with the reply.
    """
    return _Splitter(text, log).split()

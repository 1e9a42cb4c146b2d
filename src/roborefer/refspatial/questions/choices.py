"""Choice and fact: statements to confirm or deny, pairs to decide, things to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from roborefer.refspatial import grammar
from roborefer.refspatial.expressions import MAX_STEPS, Phrase
from roborefer.refspatial.questions.asking import Asker, be
from roborefer.refspatial.questions.question import Question, QuestionKind
from roborefer.refspatial.questions.statements import PREDICATES, Statement, draw_statement, reasoning_of
from roborefer.refspatial.reasoning import Reasoning, answer_point, program_for, rounded, run

LETTERS = "ABCD"

# Both halves of a pair in one question: the halves, the question, the two options as the published data words them.
_PAIRS: tuple[tuple[str, str, str, str, str], ...] = (
    ("left", "right", "to the left or to the right of {b}", "left", "right"),
    ("front", "behind", "in front of or behind {b}", "front", "behind"),
    ("above-world", "below-world", "above or below {b}", "above", "below"),
    ("above-image", "below-image", "higher or lower in the image than {b}", "higher", "lower"),
    ("close", "far", "closer to or farther from the camera than {b}", "closer", "farther"),
    ("big", "small", "bigger or smaller than {b}", "big", "small"),
    ("tall", "short", "taller or shorter than {b}", "tall", "short"),
    ("wide", "thin", "wider or narrower than {b}", "wide", "thin"),
    ("inside", "outside", "inside or outside {b}", "inside", "outside"),
    ("face", "back", "facing {b} or facing away from it", "facing", "facing away"),
)
_PAIR_OF = MappingProxyType({name: pair for pair in _PAIRS for name in pair[:2]})

# What is asked of several things at once: the axis, the question, and what is said of the one.
_MOST: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "left": ("is farthest to the left", "farthest to the left"),
        "right": ("is farthest to the right", "farthest to the right"),
        "close": ("is closest to the camera", "closest to the camera"),
        "far": ("is farthest from the camera", "farthest from the camera"),
        "front": ("is farthest to the front", "farthest to the front"),
        "behind": ("is farthest to the back", "farthest to the back"),
        "above-image": ("appears highest in the image", "highest in the image"),
        "below-image": ("appears lowest in the image", "lowest in the image"),
        "tall": ("is the tallest", "the tallest"),
        "short": ("is the shortest", "the shortest"),
        "big": ("is the largest", "the largest"),
        "small": ("is the smallest", "the smallest"),
        "wide": ("is the widest", "the widest"),
        "thin": ("is the narrowest", "the narrowest"),
    }
)
_MOST_OPENINGS = (
    "Which of these {what}?",
    "Which one {what}?",
    "Which of the following {what}?",
    "Out of these, which {what}?",
)

_YES_NO_OPENINGS = (
    "{question}?",
    "Looking at the image, {question}?",
    "From the viewer's perspective, {question}?",
    "Can you tell whether {claim}?",
    "Is it true that {claim}?",
)
_PAIR_OPENINGS = (
    "{be} {a} {predicate}?",
    "Looking at the image, {be} {a} {predicate}?",
    "From the viewer's perspective, {be} {a} {predicate}?",
    "Can you tell me: {be} {a} {predicate}?",
)
_AT_POINT_OPENINGS = (
    "What is at the point {point}?",
    "Which object is at the point {point}?",
    "What does the point {point} lie on?",
    "Which of these is located at {point}?",
)


@dataclass(frozen=True)
class _Options:
    """Options on the question's own line, and the letter of the right one."""

    text: str
    letter: str


def choice(asker: Asker, relation: str) -> Question | None:
    """A question with lettered options; None if what was drawn cannot be asked.

    Args:
        asker: Of the scene.
        relation: What it is to be about, if that is possible.
    """
    draw = asker.generator.random()
    if draw < 0.1:
        return _at_point(asker)
    if draw < 0.35 and relation in _MOST:
        return _which_is_most(asker, relation)
    if draw < 0.65 and relation in _PAIR_OF:
        return _either_or(asker, relation)
    statement = draw_statement(asker, relation)
    if statement is None:
        return None
    number, opening = asker.pick_wording(_YES_NO_OPENINGS)
    options = _options(asker, ("yes", "no"), 0 if statement.holds else 1)
    text = f"{_asked(opening, statement)} {options.text}"
    answer = f"({options.letter}) {'Yes' if statement.holds else 'No'}, {statement.clause}."
    return _about_statement(asker, "choice", text, answer, statement, f"choice-yes-no-{number}")


def fact(asker: Asker, relation: str) -> Question | None:
    """A yes/no question that is answered by a sentence, or what is at a point; None if it cannot be asked."""
    if asker.chance(0.1):
        return _name_at_point(asker)
    statement = draw_statement(asker, relation)
    if statement is None:
        return None
    number, opening = asker.pick_wording(_YES_NO_OPENINGS)
    answer = f"{'Yes' if statement.holds else 'No'}, {statement.clause}."
    return _about_statement(asker, "fact", _asked(opening, statement), answer, statement, f"fact-yes-no-{number}")


def _asked(opening: str, statement: Statement) -> str:
    claim = f"{statement.subject.text()} {statement.be} {statement.predicate}"
    return grammar.sentence(opening.format(question=statement.question, claim=claim))


def _either_or(asker: Asker, relation: str) -> Question | None:
    first, second, pattern, option, other_option = _PAIR_OF[relation]
    statement = draw_statement(asker, relation)
    if statement is None or statement.facts.get("other") is None:
        return None
    ids = tuple(int(statement.facts[key]) for key in ("subject", "other"))
    # Exactly one half must be plain: the other half of "inside" is, that of "facing" need not be.
    truths = [asker.facts.truth(half, *ids) for half in (first, second)]
    if sorted(map(str, truths)) != ["False", "True"]:
        return None
    right = truths.index(True)
    half = (first, second)[right]
    other = statement.others[0].text()
    number, opening = asker.pick_wording(_PAIR_OPENINGS)
    asked = opening.format(
        be=statement.be, a=statement.subject.text(), predicate=asker.facts.viewer_words(pattern).format(b=other)
    )
    options = _options(asker, (option, other_option), right)
    text = f"{grammar.sentence(asked)} {options.text}"
    predicate = asker.facts.viewer_words(PREDICATES[half][0]).format(b=other)
    true = Statement(
        half,
        statement.subject,
        statement.others,
        predicate,
        True,
        {**statement.facts, "relation": half, "holds": "yes"},
    )
    answer = f"({options.letter}) {grammar.capitalized((option, other_option)[right])}, {true.clause}."
    return _about_statement(asker, "choice", text, answer, true, f"choice-either-or-{number}")


def _which_is_most(asker: Asker, relation: str) -> Question | None:
    """Two to four things, of which one is the leftmost, tallest, ... without doubt."""
    count = 2 + int(asker.generator.random() * 3)
    ids = asker.objects(count)
    phrases = None if ids is None else asker.anchors(ids, 0)
    if ids is None or phrases is None:
        return None
    first = [item for item in ids if all(asker.facts.truth(relation, item, other) for other in ids if other != item)]
    if len(first) != 1:
        return None
    right = ids.index(first[0])
    asked, said = (asker.facts.viewer_words(words) for words in _MOST[relation])
    number, opening = asker.pick_wording(_MOST_OPENINGS)
    options = _options(asker, [phrase.text() for phrase in phrases], right)
    reasoning = run(asker.scene, program_for(phrases))
    answer = f"({options.letter}) {grammar.sentence(f'{phrases[right].text()} {be(phrases[right])} {said}')}"
    facts: dict[str, float | str] = {"relation": relation, "subject": float(first[0])}
    facts |= {f"option_{index}": float(item) for index, item in enumerate(ids)}
    return _question(
        "choice",
        f"{opening.format(what=asked)} {options.text}",
        answer,
        phrases[right],
        reasoning,
        sorted({relation}.union(*(phrase.relations for phrase in phrases))),
        min(count, MAX_STEPS),
        f"choice-most-{number}",
        facts,
    )


def _at_point(asker: Asker) -> Question | None:
    ids = asker.objects(min(4, max(2, len(asker.well))))
    phrases = None if ids is None else asker.anchors(ids, 0)
    if ids is None or phrases is None:
        return None
    right = int(asker.generator.random() * len(ids))
    point = answer_point(asker.scene, ids[right])
    number, opening = asker.pick_wording(_AT_POINT_OPENINGS)
    options = _options(asker, [phrase.text() for phrase in phrases], right)
    reasoning = run(asker.scene, program_for(phrases[right : right + 1]))
    facts = {"subject": float(ids[right]), "x": point.x, "y": point.y}
    text = f"{opening.format(point=_point_text(point.x, point.y))} {options.text}"
    answer = f"({options.letter}) {grammar.sentence(phrases[right].text())}"
    return _question("choice", text, answer, phrases[right], reasoning, (), 1, f"choice-at-point-{number}", facts)


def _name_at_point(asker: Asker) -> Question | None:
    ids = asker.objects(1)
    phrase = None if ids is None else asker.search.described(ids[0])
    if ids is None or phrase is None:
        return None
    point = rounded(answer_point(asker.scene, ids[0]))
    number, opening = asker.pick_wording(_AT_POINT_OPENINGS[:3])
    reasoning = run(asker.scene, program_for((phrase,)))
    facts = {"subject": float(ids[0]), "x": point.x, "y": point.y}
    text = opening.format(point=_point_text(point.x, point.y))
    answer = grammar.sentence(phrase.text())
    return _question("fact", text, answer, phrase, reasoning, (), 1, f"fact-at-point-{number}", facts)


def _options(asker: Asker, options: Sequence[str], right: int) -> _Options:
    """The options in random order: "(A) yes (B) no"."""
    order = list(asker.search.shuffled(range(len(options))))
    lettered = [f"({letter}) {options[index]}" for letter, index in zip(LETTERS, order, strict=False)]
    return _Options(" ".join(lettered), LETTERS[order.index(right)])


def _about_statement(
    asker: Asker, kind: QuestionKind, text: str, answer: str, statement: Statement, template: str
) -> Question:  # fmt: skip
    reasoning = reasoning_of(asker, statement)
    relations, steps = statement.relations, statement.step_count
    facts = statement.facts
    return _question(kind, text, answer, statement.subject, reasoning, relations, steps, template, facts)


def _question(
    kind: QuestionKind,
    text: str,
    answer: str,
    phrase: Phrase,
    reasoning: Reasoning,
    relations: Sequence[str],
    step_count: int,
    template: str,
    facts: Mapping[str, float | str],
) -> Question:
    return Question(
        kind=kind,
        text=text,
        answer=answer,
        phrase=phrase.text(),
        steps=reasoning.steps,
        key_steps=reasoning.key_steps,
        points=(),
        target=None,
        region=None,
        relations=tuple(relations),
        step_count=step_count,
        template=template,
        facts=facts,
    )


def _point_text(x: float, y: float) -> str:
    return f"({x:.3f}, {y:.3f})"

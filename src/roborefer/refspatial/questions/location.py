"""Location: point to the object that a phrase picks out."""

from __future__ import annotations

from roborefer.answers import write_answer
from roborefer.refspatial.expressions import MAX_STEPS
from roborefer.refspatial.questions.asking import Asker
from roborefer.refspatial.questions.pointing import ask_for_object
from roborefer.refspatial.questions.question import Question
from roborefer.refspatial.reasoning import answer_point, program_of, run

# The least that a phrase is to count; the benchmark's are 1, 2 and 3 steps, about a third each (paper table 11).
_LEAST_STEPS = (1, 2, 3, 4)
_LEAST_WEIGHTS = (3.0, 4.0, 3.0, 1.0)
_TRIES = 6


def location(asker: Asker) -> Question | None:
    """A question for one object; None if what was drawn cannot be asked."""
    if not asker.well:
        return None
    target = asker.pick(asker.well)
    least = asker.search.pick(_LEAST_STEPS, _LEAST_WEIGHTS)
    drawn = (asker.search.draw(target, MAX_STEPS, min_steps=least) for _ in range(_TRIES))
    phrase = next((phrase for phrase in drawn if phrase is not None), None)
    if phrase is None:
        return None
    point = answer_point(asker.scene, target)
    text, wording = ask_for_object(asker, phrase)
    reasoning = run(asker.scene, program_of(phrase))
    return Question(
        kind="location",
        text=text,
        answer=write_answer([point]),
        phrase=phrase.text(),
        steps=reasoning.steps,
        key_steps=reasoning.key_steps,
        points=(point,),
        target=target,
        region=asker.scene.mask(target),
        relations=tuple(sorted(phrase.relations)),
        step_count=phrase.step_count,
        template=f"location-{wording}",
    )

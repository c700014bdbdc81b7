"""What transformers renders from the chat templates of tests/fixtures/chat_templates.

Run in an environment with transformers 5.23.0 and jinja2 3.1.6; writes golden.json beside
the templates:

    python tools/make_template_goldens.py
"""

import json
import pathlib
from datetime import datetime

import jinja2
from transformers.utils import chat_template_utils

FOLDER = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "chat_templates"

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


class FixedDate(datetime):
    """The date that the template in the style of llama-3 names where it is told none."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


def render(template, messages, add_generation_prompt):
    """The text, or what the template says against the messages."""
    try:
        [text], _ = chat_template_utils.render_jinja_template(
            conversations=[messages],
            chat_template=template,
            add_generation_prompt=add_generation_prompt,
            **TOKENS,
        )
        return {"text": text}
    except jinja2.exceptions.TemplateError as error:
        return {"error": str(error)}


def main():
    chat_template_utils.datetime = FixedDate
    conversations = json.loads((FOLDER / "conversations.json").read_text())
    golden = {
        path.stem: {
            name: {
                str(prompt).lower(): render(path.read_text(), messages, prompt)
                for prompt in (False, True)
            }
            for name, messages in conversations.items()
        }
        for path in sorted(FOLDER.glob("*.jinja"))
    }
    (FOLDER / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()

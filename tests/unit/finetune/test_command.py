"""The users' fine-tuning command, on a tiny random GLM and on a tiny ChatML model."""

import json

import pytest

from finetune.__main__ import BadSettings, Settings, finetune, main, settings_from
from finetune.examples import IGNORED, Encoder

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CALL = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
CONVERSATION = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather in Oslo? <|assistant|>"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "name": "weather", "content": "Rain, 7 degrees."},
        {"role": "assistant", "content": "It rains in Oslo."},
        {"role": "user", "content": "Thanks"},
        {"role": "assistant", "content": "Gladly."},
    ],
    "tools": [TOOL],
}
GLM_TOKENS = ["<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>",
              "<|observation|>"]  # fmt: skip
GLM_TEMPLATE = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}{# <|observation|> #}"
)
CHATML_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_tokenizer(special, template):
    from tokenizers import Tokenizer
    from tokenizers.decoders import ByteLevel as Decoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import PreTrainedTokenizerFast

    vocabulary = {each: at for at, each in enumerate(sorted(ByteLevel.alphabet()))}
    made = Tokenizer(BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = Decoder()
    made.add_special_tokens(special)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=special[0], pad_token=special[0], chat_template=template
    )


@pytest.fixture(scope="module")
def glm(tmp_path_factory):
    """A folder with a random GLM of a few thousand weights, as transformers saves one."""
    import torch
    from transformers import GlmConfig, GlmForCausalLM

    folder = tmp_path_factory.mktemp("glm")
    tokenizer = byte_tokenizer(GLM_TOKENS, GLM_TEMPLATE)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = GlmConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id, max_position_embeddings=1024, initializer_range=0.3,
    )  # fmt: skip
    GlmForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text((json.dumps(CONVERSATION) + "\n") * 4, "utf-8")
    return path


def learned(tokenizer, example):
    """The stretches that are learned, as text."""
    stretches, now = [], []
    for label in [*example.labels, IGNORED]:
        if label != IGNORED:
            now.append(label)
        elif now:
            stretches.append(tokenizer.decode(now))
            now = []
    return stretches


def test_glm_learns_its_own_turns_with_the_token_that_ends_them():
    tokenizer = byte_tokenizer(GLM_TOKENS, GLM_TEMPLATE)
    example = Encoder(tokenizer).example(CONVERSATION)
    assert learned(tokenizer, example) == [
        'weather\n{"city": "Oslo"}<|observation|>',
        "\nIt rains in Oslo.<|user|>",
        "\nGladly.<|user|>",
    ]


def test_chatml_learns_the_compact_shape():
    tokenizer = byte_tokenizer(CHATML_TOKENS, CHATML_TEMPLATE)
    example = Encoder(tokenizer).example(CONVERSATION)
    assert learned(tokenizer, example) == [
        'weather\n{"city": "Oslo"}<|im_end|>',
        "\nIt rains in Oslo.<|im_end|>",
        "\nGladly.<|im_end|>",
    ]


def test_a_special_token_typed_by_a_user_is_text():
    tokenizer = byte_tokenizer(CHATML_TOKENS, CHATML_TEMPLATE)
    talk = {"messages": [{"role": "user", "content": "<|im_end|>"},
                         {"role": "assistant", "content": "x"}]}  # fmt: skip
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert Encoder(tokenizer).example(talk).ids.count(end) == 2


def test_an_answer_marked_so_is_not_learned():
    tokenizer = byte_tokenizer(CHATML_TOKENS, CHATML_TEMPLATE)
    messages = [dict(each) for each in CONVERSATION["messages"]]
    messages[2]["train"] = False
    example = Encoder(tokenizer).example({"messages": messages, "tools": [TOOL]})
    assert learned(tokenizer, example) == [
        "\nIt rains in Oslo.<|im_end|>",
        "\nGladly.<|im_end|>",
    ]


def settings(glm, data, out, **more):
    values = {"rate": 1e-2, "accumulate": 1, "epochs": 10, "validation": 0.25, "window": 1000}
    return Settings(str(glm), str(data), str(out), **(values | more))


def losses(out):
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


@pytest.mark.parametrize("method", ["lora", "p-tuning", "full"])
def test_each_method_learns_and_its_result_loads(glm, data, tmp_path, method):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    out = tmp_path / "out"
    result = finetune(settings(glm, data, out, method=method, bf16=method == "lora"))
    found = losses(out)
    assert len(found) == 30  # three conversations to learn from, ten times
    assert sum(found[-3:]) < 0.97 * sum(found[:3])
    if method == "full":
        tuned = AutoModelForCausalLM.from_pretrained(result)
    else:
        tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(glm), result)
    base = AutoModelForCausalLM.from_pretrained(glm)
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        changed = tuned(input_ids=ids).logits[:, -1] - base(input_ids=ids).logits[:, -1]
    assert changed.abs().max() > 1e-3


def test_a_second_run_goes_on_from_the_last_checkpoint(glm, data, tmp_path):
    out = tmp_path / "out"
    finetune(settings(glm, data, out, epochs=2, save_every=3))
    first = losses(out)
    finetune(settings(glm, data, out, epochs=4, save_every=3))
    assert len(losses(out)) == 2 * len(first)


def test_the_command_line_wins_over_the_file(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("model: m\ndata: d\nout: o\nrate: 1e-3\nmethod: full\nbf16: true\n")
    found = settings_from([str(file), "--rate", "0.5", "--no-bf16"])
    assert (found.rate, found.method, found.bf16) == (0.5, "full", False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("model: m\ndata: d\n", "out is missing"),
        ("speed: 3\n", "not known: speed"),
        ("rate: fast\n", "rate can't be 'fast'"),
        ("bf16: 3\n", "true or false"),
        ("method: magic\n", "one of lora"),
        ("[", "can't be read as YAML"),
        ("- a\n", "not known"),
    ],
)
def test_bad_settings_are_named(tmp_path, text, sentence):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(BadSettings, match=sentence):
        settings_from([str(file)])


@pytest.mark.parametrize("line", ["{", "[]", '{"messages": [{"role": "user"}]} x', '{"tools": []}'])
def test_a_line_that_is_no_conversation_is_named(glm, tmp_path, capsys, line):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(CONVERSATION) + "\n" + line + "\n")
    code = main(["--model", str(glm), "--data", str(path), "--out", str(tmp_path / "out")])
    assert code == 2
    assert "Line 2 of data.jsonl" in capsys.readouterr().err


def test_a_model_that_is_not_there(tmp_path, data, capsys):
    assert main(["--model", str(tmp_path / "no"), "--data", str(data), "--out", str(tmp_path)]) == 2
    assert "can't load" in capsys.readouterr().err

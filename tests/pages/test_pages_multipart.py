"""Forms that bring a file: fields are read, the file is handed on whole, however the body was cut on its way."""

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given, settings, strategies as st

from flowlaunch.pages.answers import PageError
from flowlaunch.pages.multipart import read_file_form

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


def body(fields, file=None, end="--\r\n"):
    """Write a form as browsers do."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields]
    if file is not None:
        name, content = file
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
        parts.append(head.encode() + content)
    opened = f"--{BOUNDARY}\r\n".encode()
    return b"".join(opened + part + b"\r\n" for part in parts) + f"--{BOUNDARY}{end}".encode()


def read(raw, kind=KIND, size=None):
    """Read a form that comes in pieces of a size; return its fields, its file's name and its file."""
    size = size or max(1, len(raw))

    async def stream():
        for at in range(0, len(raw), size):
            yield raw[at : at + size]

    async def taken():
        form = await read_file_form(SimpleNamespace(headers={"content-type": kind}, stream=stream))
        if form.file is None:
            return dict(form.items()), None, None
        return dict(form.items()), form.file.name, b"".join([piece async for piece in form.file.content])

    return asyncio.run(taken())


@settings(max_examples=150, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from([b"\r\n", b"--", BOUNDARY.encode(), f"\r\n--{BOUNDARY[:-1]}".encode(), b"x"]))
        .map(b"".join)
        .filter(lambda text: f"\r\n--{BOUNDARY}".encode() not in b"\r\n" + text),
    ),
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40),
    size=st.integers(1, 90),
)
def test_a_file_arrives_as_it_was_sent(content, value, size):
    """Whatever is in the file and wherever the network cut the body, every byte arrives, and so do the fields."""
    fields, name, got = read(body([("csrf", "t"), ("name", value)], ("rows.csv", content)), size=size)

    assert got == content
    assert (fields, name) == ({"csrf": "t", "name": value}, "rows.csv")


def test_a_form_without_a_file_says_so():
    """Where no file was chosen there is none, and the fields are there."""
    assert read(body([("name", "x")], ("", b""))) == ({"name": "x"}, None, None)
    assert read(body([("name", "")])) == ({"name": ""}, None, None)


def test_a_file_that_ends_in_the_middle_is_refused():
    """A body that breaks off is no file: what came of it is not taken for the whole."""
    whole = body([], ("rows.csv", b"a,b\n1,2\n"))

    with pytest.raises(PageError, match="ends in the middle"):
        read(whole[: whole.index(b"1,2")])


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"", "multipart/form-data", 415),
        (b"", f"multipart/form-data; boundary={'x' * 71}", 415),
        (b"", KIND, 400),
        (body([("name", "x" * 70_000)]), KIND, 413),
        (body([(f"n{number}", "x") for number in range(40)]), KIND, 413),
        (body([]).replace(b"--\r\n", b"\r\n") + b"X-Long: " + b"x" * 9_000, KIND, 400),
        (f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n--{BOUNDARY}--".encode(), KIND, 400),
    ],
)
def test_what_is_no_form_or_too_large_is_refused(raw, kind, status):
    """Bodies of another kind, without end or with endless fields are refused in bounded memory."""
    with pytest.raises(PageError) as refused:
        read(raw, kind, size=1_000)

    assert refused.value.status == status

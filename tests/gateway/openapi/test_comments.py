from collections.abc import Callable

import pytest
from modelwire_gateway.openapi.comments import NO_COMMENTS, Comments, first_sentence

PROTO = """
// A thing.
//
// In two paragraphs.
message Thing {
  // Its name.
  string name = 1;  // Behind it.

  // (-- api-linter: core::0140::lower-snake=disabled
  //     aip.dev/not-precedent: old. --)
  // buf:lint:ignore FIELD_LOWER_SNAKE_CASE
  // What is left (see [1]).
  string Left = 2;

  string silent = 3;

  /* A block,
   * starred.
   */
  oneof choice {
    // Inside.
    int32 number = 4;
  }
  // A nested one.
  message Inner {
    // Deep.
    bool deep = 1;
  }
  reserved 9;  // about nothing that has a name
  // A shade.
  enum Shade {
    // No shade.
    NONE = 0;
  }
}
// A colour.
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  // Like blood.
  RED = 1;
}
// Serves.
service Service {
  // Gets.
  rpc Get(Thing) returns (Thing) {
    // About an option.
    option (google.api.http) = { get: "/x" };
  }
}
"""


@pytest.fixture(scope="module")
def comments(compile_image: Callable[[str], bytes]) -> Comments:
    return Comments.of_images([compile_image(PROTO)])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.Thing", "A thing.\n\nIn two paragraphs."),
        ("t.Thing.name", "Its name.\n\nBehind it."),
        ("t.Thing.Left", "What is left (see [1])."),
        ("t.Thing.silent", ""),
        ("t.Thing.choice", "A block,\nstarred."),
        ("t.Thing.number", "Inside."),
        ("t.Thing.Inner", "A nested one."),
        ("t.Thing.Inner.deep", "Deep."),
        ("t.Thing.Shade.NONE", "No shade."),
        ("t.Colour", "A colour."),
        ("t.Colour.RED", "Like blood."),
        ("t.Colour.COLOUR_UNSPECIFIED", ""),
        ("t.Service", "Serves."),
        ("t.Service.Get", "Gets."),
        ("t.Nowhere", ""),
        ("google.api.HttpBody.data", "The HTTP request/response body as raw binary."),
    ],
)
def test_comments_go_by_full_names(comments: Comments, name: str, text: str) -> None:
    assert comments.of(name) == text


def test_only_what_has_a_name_has_a_comment(comments: Comments) -> None:
    assert [name for name in comments.texts if name.startswith("t.") and "option" in comments.of(name)] == []


def test_an_image_without_source_info_has_no_comments() -> None:
    assert Comments.of_images([b""]) == NO_COMMENTS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ""),
        ("One. Two.", "One"),
        ("One thing\nover lines. Two.", "One thing over lines"),
        ("No stop", "No stop"),
        ("A title\n\nA paragraph. More.", "A title"),
        ("Takes v1.2 of it, e.g. this, i.e. that. More.", "Takes v1.2 of it, e.g. this, i.e. that"),
        ("Really? Yes.", "Really?"),
    ],
)
def test_the_first_sentence_is_one_line(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence

"""The web: pages are what a person would read, private places are closed to the model, engines come and go."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import a3s_lsp as a3s
from a3s_lsp.engine.config.load import load
from a3s_lsp.engine.ports import Model
from a3s_lsp.engine.web.fetching import fetch
from a3s_lsp.engine.web.markdown import converted
from a3s_lsp.engine.web.reach import Reach, is_public
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.sdk.web_server import Answer, Site, site

PAGE = b"""<!doctype html><html><head><title>The  title</title><style>p { color: red }</style></head><body>
<script>var x = "<p>no</p>";</script><!-- a <b>comment</b> -->
<h1>Head &amp; shoulders</h1><p>Some <b>bold</b>,
  some <a href="/next?a=1&amp;b=2">linked</a> text<br>and more.</p>
<ul><li>one</li><li>two<ol><li>inner</li></ol></li></ul>
<pre><code>a  &lt; b
  c</code></pre><blockquote><p>said</p></blockquote>
<table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>2</td></tr></table><img src="x.png" alt="a cat">
</body></html>"""


async def a_session(folder: Path, *replies: str | Reply, config: str = "") -> a3s.AsyncSession:
    model = ScriptedModel([*replies])

    async def opened(name: str | None) -> Model:
        return model

    settings = load(config or "strict = false", {}, need_model=False).settings
    policy = a3s.PermissionPolicy(default_decision="allow")
    return await a3s.AsyncAgent.of(opened, settings).session(str(folder), permission_policy=policy)


async def fetched(folder: Path, url: str, config: str = "", **arguments: object) -> a3s.AgentEvent:
    """What the model is told when it fetches this."""
    replies = (Reply(calls=(call("web_fetch", url=url, **arguments),)), "done")
    session = await a_session(folder, *replies, config=config)
    events = [event async for event in session.stream("go")]
    [ended] = [event for event in events if event.event_type == "tool_end"]
    return ended


def allowing(*places: str) -> str:
    return f"web {{ allow_private = {json.dumps(places)} }}"


async def test_a_page_comes_as_a_person_reads_it(tmp_path: Path) -> None:
    with site(page=Answer(PAGE)) as server:
        session = await a_session(tmp_path)
        result = await session.tool("web_fetch", {"url": f"{server.address}/page"})
    assert result.exit_code == 0
    assert result.output == (
        "# Head & shoulders\n\n"
        f"Some **bold**, some [linked]({server.address}/next?a=1&b=2) text\nand more.\n\n"
        "- one\n- two\n\n  1. inner\n\n"
        "```\na  < b\n  c\n```\n\n> said\n\nk | v\n1 | 2\n\n![a cat]\n"
    )
    assert result.metadata is not None
    assert result.metadata["title"] == "The title"
    assert result.metadata["trust"] == "external"


async def test_the_other_formats(tmp_path: Path) -> None:
    with site(
        page=Answer(PAGE),
        data=Answer(b'{"a": 1}', "application/json"),
        old=Answer(b"caf\xe9", "text/plain; charset=latin-1"),
    ) as server:
        session = await a_session(tmp_path)

        async def got(path: str, form: str) -> str:
            return (await session.tool("web_fetch", {"url": f"{server.address}/{path}", "format": form})).output

        assert await got("page", "html") == PAGE.decode()
        text = await got("page", "text")
        assert "Some bold, some linked text" in text
        assert "](" not in text
        assert await got("data", "markdown") == '{"a": 1}'
        assert await got("old", "markdown") == "café"
        assert "format must be" in await got("page", "pdf")


LOOPBACK = [
    "127.0.0.1",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
    "[::]",
]


@pytest.mark.parametrize("host", LOOPBACK)
async def test_the_model_does_not_reach_this_machine(tmp_path: Path, host: str) -> None:
    with site(page=Answer(b"secret")) as server:
        ended = await fetched(tmp_path, f"http://{host}:{server.port}/page")
        assert server.asked == []
    assert ended.exit_code == 1
    assert "secret" not in (ended.tool_output or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://100.64.0.1/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://224.0.0.1/",
    ],
)
async def test_private_addresses_are_named_with_the_remedy(tmp_path: Path, url: str) -> None:
    ended = await fetched(tmp_path, url)
    assert ended.exit_code == 1
    assert "allow_private" in (ended.tool_output or "")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://h/x",
        "x",
        "",
        "http://",
        "http://u:p@127.0.0.1/",
        "http://a b/",
        "http://\u24db/",
        "gopher://x",
    ],
)
async def test_what_is_no_address_of_the_web_is_refused(tmp_path: Path, url: str) -> None:
    result = await (await a_session(tmp_path)).tool("web_fetch", {"url": url})
    assert result.exit_code == 1
    assert "root:" not in result.output


async def test_the_configuration_opens_one_place_and_no_other(tmp_path: Path) -> None:
    with site(page=Answer(b"inside", "text/plain")) as one, site(page=Answer(b"other", "text/plain")) as two:
        allowed = await fetched(tmp_path, f"{one.address}/page", allowing(one.place))
        refused = await fetched(tmp_path, f"{two.address}/page", allowing(one.place))
        network = await fetched(tmp_path, f"{two.address}/page", allowing("127.0.0.0/8"))
    assert "inside" in (allowed.tool_output or "")
    assert "[External content" in (allowed.tool_output or "")
    assert refused.exit_code == 1
    assert "other" in (network.tool_output or "")


async def test_redirects_lead_nowhere_that_may_not_be_asked(tmp_path: Path) -> None:
    with site(page=Answer(b"inside")) as inner:
        away = Answer(status=302, headers={"Location": f"{inner.address}/page"})
        with site(away=away, file=Answer(status=302, headers={"Location": "file:///etc/passwd"})) as outer:
            for path in ("away", "file"):
                ended = await fetched(tmp_path, f"{outer.address}/{path}", allowing(outer.place))
                assert ended.exit_code == 1
        assert inner.asked == []


async def test_redirects_are_followed_ten_times(tmp_path: Path) -> None:
    with site(end=Answer(b"here", "text/plain"), loop=Answer(status=301, headers={"Location": "/loop"})) as server:
        for number in range(10):
            target = "/end" if number == 9 else f"/step{number + 1}"
            server.pages[f"step{number}"] = Answer(status=302, headers={"Location": target})
        session = await a_session(tmp_path)
        assert (await session.tool("web_fetch", {"url": f"{server.address}/step0"})).output == "here"
        looped = await session.tool("web_fetch", {"url": f"{server.address}/loop"})
    assert looped.exit_code == 1
    assert "10 redirects" in looped.output


async def test_a_name_is_looked_up_once_and_the_checked_address_is_asked() -> None:
    class Resolved(Reach):
        async def addresses(self, host: str, port: int) -> Sequence[str]:
            return ("127.0.0.1",)

    with site(page=Answer(b"pinned", "text/plain")) as server:
        page = await fetch(f"http://no-such-name.invalid:{server.port}/page", Resolved(), 5)
        assert page.body == b"pinned"
        assert server.hosts == [f"no-such-name.invalid:{server.port}"]


async def test_what_is_too_large_is_not_taken_in(tmp_path: Path) -> None:
    big = b"x" * (5 * 1024 * 1024 + 1)
    bomb = gzip.compress(b"\0" * 50_000_000)
    packed, twice = {"Content-Encoding": "gzip"}, {"Content-Encoding": "gzip, gzip"}
    answers = {
        "told": Answer(big, "text/plain"),
        "untold": Answer(big, "text/plain", length=False),
        "bomb": Answer(bomb, "text/plain", headers=packed),
        "twice": Answer(gzip.compress(bomb), "text/plain", headers=twice),
        "nested": Answer(gzip.compress(gzip.compress(b"small")), "text/plain", headers=twice),
        "fits": Answer(gzip.compress(b"small"), "text/plain", headers=packed),
    }
    with site(**answers) as server:
        session = await a_session(tmp_path)
        for path in ("told", "untold", "bomb", "twice"):
            result = await session.tool("web_fetch", {"url": f"{server.address}/{path}"})
            assert result.exit_code == 1, path
            assert len(result.output) < 500
        assert (await session.tool("web_fetch", {"url": f"{server.address}/fits"})).output == "small"
        nested = await session.tool("web_fetch", {"url": f"{server.address}/nested"})
        assert "packed as gzip, gzip" in nested.output


async def test_what_is_no_text_and_what_fails_is_told(tmp_path: Path) -> None:
    with site(image=Answer(b"\x89PNG", "image/png"), broken=Answer(b"oops", status=503)) as server:
        session = await a_session(tmp_path)
        image = await session.tool("web_fetch", {"url": f"{server.address}/image"})
        broken = await session.tool("web_fetch", {"url": f"{server.address}/broken"})
    gone = await session.tool("web_fetch", {"url": f"{server.address}/image"})
    assert (image.exit_code, broken.exit_code, gone.exit_code) == (1, 1, 1)
    assert "image/png" in image.output
    assert "HTTP 503" in broken.output
    assert "Failed to fetch URL" in gone.output


@given(st.text(alphabet=st.sampled_from("<>/!-?\"'= abpliu&;#x0\n"), max_size=400))
def test_any_page_becomes_markdown(source: str) -> None:
    title, text = converted(source, "http://h/")
    assert isinstance(title, str)
    assert text.endswith("\n")


@pytest.mark.parametrize(
    "piece", ["<", "<a ", '<a x="', "<!--", "<script>", "<blockquote><ul><li>", "<b>", "</p>", "&#", "<a href=x>y<p>"]
)
def test_broken_pages_are_read_in_time(piece: str) -> None:
    converted(piece * (1_000_000 // len(piece)), "http://h/")


def test_what_is_public() -> None:
    import ipaddress

    for text in ("8.8.8.8", "1.1.1.1", "2606:4700::1", "64:ff9b::808:808"):
        assert is_public(ipaddress.ip_address(text)), text
    for text in (
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.0.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "::",
        "255.255.255.255",
        "240.0.0.1",
        "::127.0.0.1",
    ):
        assert not is_public(ipaddress.ip_address(text)), text


# ---------------------------------------------------------------- search

DDG = b"""<div class="result results_links result--ad">
<a class="result__a" href="https://duckduckgo.com/y.js?ad_domain=x">Ad</a></div>
<div class="result"><h2><a rel="nofollow" class="result__a"
href="//duckduckgo.com/l/?uddg=https%3A%2F%2Fdocs.example%2Fa%3Fx%3D1&amp;rut=1">Doc <b>A</b></a></h2>
<a class="result__snippet" href="x">About <b>A</b>, at length.</a></div>
<div class="result"><a class="result__a" href="https://b.example/">B</a></div>"""
BRAVE = b"""<div class="snippet svelte-1" data-pos="0" data-type="web">
<a href="https://docs.example/a?x=1" class="l1"><div class="title svelte-2">Doc A</div></a>
<div class="snippet-description t-secondary">Short.</div></div>
<div class="snippet" data-type="web">
<a href="https://c.example/"><div class="title">C</div></a></div>"""
BING = b"""<?xml version="1.0"?><rss><channel><title>q</title><link>http://www.bing.com</link>
<item><title>C &amp; D</title><link>https://www.c.example</link>
<description>Feeds.</description><pubDate>Mon, 01 Jan 2024</pubDate></item></channel></rss>"""
WIKI = json.dumps(
    {"query": {"search": [{"title": "Wiki A", "pageid": 7, "snippet": 'the <span class="m">A</span> &amp; so'}]}}
).encode()
SEARX = json.dumps(
    {
        "results": [
            {"title": "S", "url": "https://s.example/", "content": "c", "publishedDate": "2024"},
            {"url": "javascript:x", "title": "bad"},
            3,
        ]
    }
).encode()


def engines(server: Site, *names: str, health: str = "") -> str:
    blocks = [f'engine "{name}" {{ url = "{server.address}/{name}" }}' for name in names]
    return "\n".join(("search {", health, *blocks, "}"))


def all_engines() -> dict[str, Answer]:
    return {
        "ddg": Answer(DDG),
        "brave": Answer(BRAVE),
        "bing": Answer(BING, "text/xml"),
        "wiki": Answer(WIKI, "application/json"),
        "searxng": Answer(SEARX, "application/json"),
    }


async def found(session: a3s.AsyncSession, **named: object) -> list[dict[str, object]]:
    params = a3s.WebSearchParams("a & b", format="json", **named)  # type: ignore[arg-type]  # each is checked there
    result = await session.web_search(params)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, object]] = json.loads(result.output)
    return rows


async def test_engines_are_asked_together_and_agree(tmp_path: Path) -> None:
    with site(**all_engines()) as server:
        session = await a_session(tmp_path, config=engines(server, "ddg", "brave", "bing", "wiki", "searxng"))
        rows = await found(session)
        assert {path.partition("?")[0].split("/")[1] for path in server.asked} == {
            "ddg",
            "brave",
            "bing",
            "wiki",
            "searxng",
        }
        assert all("a+%26+b" in path for path in server.asked)
    by_title = {row["title"]: row for row in rows}
    assert rows[0]["title"] == "Doc A"
    assert rows[0]["engines"] == ["ddg", "brave"]
    assert rows[0]["url"] == "https://docs.example/a?x=1"
    assert rows[0]["content"] == "About A, at length."
    assert by_title["C"]["engines"] == ["brave", "bing"]
    assert by_title["Wiki A"]["content"] == "the A & so"
    assert by_title["S"]["published_date"] == "2024"
    assert set(by_title) == {"Doc A", "B", "C", "Wiki A", "S"}
    scores = [float(str(row["score"])) for row in rows]
    assert scores == sorted(scores, reverse=True)


async def test_weights_and_the_limit_count(tmp_path: Path) -> None:
    with site(**all_engines()) as server:
        heavy = engines(server, "ddg")[:-1] + f'engine "wiki" {{ url = "{server.address}/wiki" weight = 9 }}\n}}'
        session = await a_session(tmp_path, config=heavy)
        assert [row["title"] for row in await found(session)] == ["Wiki A", "Doc A", "B"]
        assert [row["title"] for row in await found(session, limit=1)] == ["Wiki A"]
        assert [row["title"] for row in await found(session, engines=["duckduckgo"])] == ["Doc A", "B"]
        text = await session.web_search(a3s.WebSearchParams("q", limit=1))
    assert text.output == "1. Wiki A\n   https://en.wikipedia.org/?curid=7\n   the A & so\n   (via wiki)\n"


async def test_an_engine_that_fails_is_named_and_rests(tmp_path: Path) -> None:
    pages = all_engines() | {"brave": Answer(b"no", status=429)}
    with site(**pages) as server:
        config = engines(server, "ddg", "brave", health="health { max_failures = 2 suspend_seconds = 600 }")
        session = await a_session(tmp_path, config=config)
        outputs = [(await session.web_search(a3s.WebSearchParams("q"))).output for _ in range(3)]
        asked = [path for path in server.asked if path.startswith("/brave")]
    assert "brave: it answered with HTTP 429" in outputs[0]
    assert "Doc A" in outputs[0]
    assert "brave rests" in outputs[2]
    assert len(asked) == 2


async def test_a_rest_of_no_time_is_none(tmp_path: Path) -> None:
    with site(brave=Answer(b"no", status=500)) as server:
        config = engines(server, "brave", health="health { max_failures = 1 suspend_seconds = 0 }")
        session = await a_session(tmp_path, config=config)
        results = [await session.web_search(a3s.WebSearchParams("q")) for _ in range(2)]
        assert len(server.asked) == 2
    assert all(result.exit_code == 1 and "No search engine has answered" in result.output for result in results)


async def test_unknown_engines_are_no_engines(tmp_path: Path) -> None:
    session = await a_session(tmp_path)
    none = await session.web_search(a3s.WebSearchParams("q", engines=["bogus"]))
    assert none.exit_code == 1
    assert 'No valid engines found in: ["bogus"]' in none.output
    empty = await session.web_search(a3s.WebSearchParams("  "))
    assert empty.exit_code == 1
    with pytest.raises(TypeError, match="WebSearchParams"):
        await session.web_search({"query": "q"})  # type: ignore[arg-type]  # that is what it tells
    assert (await session.tool("web_search", {"query": "q", "engines": ["searxng"]})).exit_code == 1


async def test_the_model_may_not_go_through_a_private_proxy(tmp_path: Path) -> None:
    with site(**all_engines()) as server:
        replies = (Reply(calls=(call("web_search", query="q", proxy=server.address),)), "done")
        session = await a_session(tmp_path, *replies)
        [ended] = [event async for event in session.stream("go") if event.event_type == "tool_end"]
        assert server.asked == []
    assert ended.exit_code == 1
    assert "allow_private" in (ended.tool_output or "")


async def test_the_program_may_go_through_a_proxy(tmp_path: Path) -> None:
    with site() as server:
        server.pages["http:"] = Answer(WIKI, "application/json")
        session = await a_session(tmp_path, config='search {\nengine "wiki" { url = "http://wiki.invalid" }\n}')
        result = await session.web_search(a3s.WebSearchParams("q", proxy=server.address))
        assert server.asked[0].startswith("http://wiki.invalid/")
    assert "Wiki A" in result.output


async def test_what_the_model_is_told_is_marked(tmp_path: Path) -> None:
    with site(**all_engines()) as server:
        session = await a_session(
            tmp_path, Reply(calls=(call("web_search", query="q"),)), "done", config=engines(server, "ddg")
        )
        [ended] = [event async for event in session.stream("go") if event.event_type == "tool_end"]
    assert "[External content" in (ended.tool_output or "")
    assert "Doc A" in (ended.tool_output or "")


def test_value_classes_are_as_in_the_reference() -> None:
    config = a3s.SearchConfig()
    assert (config.timeout, config.health, config.headless, config.engine_names()) == (10, None, None, [])
    config.set_engine("ddg", a3s.SearchEngineConfig(weight=2.0))
    assert (config.engine_names(), config.get_engine("nope")) == (["ddg"], None)
    assert repr(config.get_engine("ddg")) == "SearchEngineConfig(enabled=true, weight=2, timeout=None)"
    assert repr(config) == "SearchConfig(timeout=10, engines=1, health=false)"
    assert repr(a3s.SearchHealthConfig()) == "SearchHealthConfig(max_failures=3, suspend_seconds=60)"
    assert (a3s.BrowserBackend.Chrome, int(a3s.BrowserBackend.Lightpanda)) == (0, 1)
    for make in (
        lambda: a3s.HeadlessConfig("chrome"),  # type: ignore[arg-type]  # that is what it tells
        lambda: a3s.SearchConfig(health=1),  # type: ignore[arg-type]  # that is what it tells
        lambda: a3s.WebSearchParams(3),  # type: ignore[arg-type]  # that is what it tells
        lambda: config.set_engine("x", 3),  # type: ignore[arg-type]  # that is what it tells
    ):
        with pytest.raises(TypeError):
            make()
    with pytest.raises(OverflowError):
        a3s.SearchConfig(timeout=-1)

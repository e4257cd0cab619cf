"""A small OpenID Connect provider on loopback: discovery, authorization code flow, keys, logout.

with OidcProvider() as provider:
    provider.claims = {"sub": "42", "email": "ann@example.org", "email_verified": True}
    secrets = provider.secrets()

Whoever is sent to it is signed in at once, as the person of `claims`. Tokens are signed with RS256
(OpenID Connect Core 1.0, section 3.1).
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "glm"


class OidcProvider:
    """Serves until the block ends. `codes` are the logins that wait for their token."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "42"}
        self.client_secret = secrets.token_hex(16)
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, Any]] = {}
        self.ended = 0
        """How often somebody was signed out here."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.post(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> OidcProvider:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def secrets(self, cookie_secret: str = "a secret of at least thirty-two letters") -> str:
        """The text of a `secrets.toml` that names this provider."""
        return (
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{cookie_secret}"\n'
            f'client_id = "{CLIENT}"\n'
            f'client_secret = "{self.client_secret}"\n'
            f'server_metadata_url = "{self.issuer}/.well-known/openid-configuration"\n'
        )

    def get(self, request: BaseHTTPRequestHandler) -> None:
        place = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        match place.path:
            case "/.well-known/openid-configuration":
                _send(request, self._metadata())
            case "/jwks":
                _send(request, {"keys": [self.key.as_dict(private=False)]})
            case "/authorize" if query.get("client_id") == CLIENT:
                code = secrets.token_hex(16)
                self.codes[code] = {"nonce": query.get("nonce"), **self.claims}
                answer = urlencode({"code": code, "state": query["state"]})
                _redirect(request, f"{query['redirect_uri']}?{answer}")
            case "/logout":
                self.ended += 1
                _redirect(request, query["post_logout_redirect_uri"])
            case _:
                request.send_error(404)

    def post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0"))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        claims = self.codes.pop(form.get("code", ""), None)
        if claims is None:
            request.send_error(400)
            return
        now = int(time.time())
        payload = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 600, **claims}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, payload, self.key)
        access = secrets.token_hex(16)
        _send(request, {"access_token": access, "token_type": "Bearer", "id_token": token})

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }


def _send(request: BaseHTTPRequestHandler, content: dict[str, Any]) -> None:
    data = json.dumps(content).encode()
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)


def _redirect(request: BaseHTTPRequestHandler, place: str) -> None:
    request.send_response(302)
    request.send_header("Location", place)
    request.send_header("Content-Length", "0")
    request.end_headers()

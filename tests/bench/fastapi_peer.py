"""What GET /api/v1/me takes in a service with FastAPI: an EdDSA JWT checked, one row read from SQLite. For ./dev bench.

Run as a program it makes the key and the database in PEER_HOME and prints a token; `uvicorn fastapi_peer:app` serves. /me-remembered
keeps checked tokens, as sealdropd does; /me checks each, as such services do. Handlers are async and read SQLite directly (no change
of thread) and answer without a model: all of that is faster than the usual way."""
import os
import pathlib
import sqlite3
import time
import uuid

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, FastAPI, HTTPException, Request

HOME = pathlib.Path(os.environ["PEER_HOME"])
ISSUER = "https://localhost"
SEEN_MAX = 8192
app = FastAPI()
seen = {}


def set_up():
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (HOME / "key.pem").write_bytes(public)
    user, now = str(uuid.uuid4()), int(time.time())
    with sqlite3.connect(HOME / "peer.db") as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, display_name TEXT, role TEXT, quota_bytes INTEGER, "
                   "used_bytes INTEGER, created_at TEXT)")
        db.execute("INSERT INTO users VALUES (?, 'bench@example.com', 'bench', 'user', 0, 0, '2026-01-01T00:00:00Z')", (user,))
    claims = {"iss": ISSUER, "aud": ISSUER, "sub": user, "sid": str(uuid.uuid4()), "jti": str(uuid.uuid4()), "role": "user",
              "iat": now, "exp": now + 3600, "auth_time": now}
    print(jwt.encode(claims, key, "EdDSA", {"kid": "bench", "typ": "at+jwt"}))


if __name__ == "__main__":
    set_up()
else:
    KEY = serialization.load_pem_public_key((HOME / "key.pem").read_bytes())
    DB = sqlite3.connect("file:%s?mode=ro" % (HOME / "peer.db"), uri=True, check_same_thread=False)
    DB.row_factory = sqlite3.Row


def check(token):
    try:
        return jwt.decode(token, KEY, ["EdDSA"], issuer=ISSUER, audience=ISSUER, options={"require": ["exp", "iat", "sub"]})
    except jwt.InvalidTokenError:
        raise HTTPException(401, "unauthorized")


def bearer(request):
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401, "unauthorized")
    return token


async def checked(request: Request):
    return check(bearer(request))


async def remembered(request: Request):
    token = bearer(request)
    claims = seen.get(token)
    if not claims:
        claims = check(token)
        if len(seen) < SEEN_MAX:
            seen[token] = claims
    if time.time() >= claims["exp"]:
        raise HTTPException(401, "unauthorized")
    return claims


def user_of(claims):
    row = DB.execute("SELECT id, email, display_name, role, quota_bytes, used_bytes, created_at FROM users WHERE id = ?",
                     (claims["sub"],)).fetchone()
    if not row:
        raise HTTPException(401, "unauthorized")
    return {"user": dict(row)}


@app.get("/api/v1/me")
async def me(claims: dict = Depends(checked)):
    return user_of(claims)


@app.get("/api/v1/me-remembered")
async def me_remembered(claims: dict = Depends(remembered)):
    return user_of(claims)

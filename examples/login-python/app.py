"""An application that logs people in with Countersign: Flask, Authlib, and nothing of Countersign's own."""

import os
import secrets
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template_string, session, url_for
from werkzeug.serving import make_server

ISSUER = os.environ.get("ISSUER", "http://localhost:8080")
PORT = int(os.environ.get("PORT", "3000"))

app = Flask(__name__)
app.secret_key = os.environ.get("APP_SECRET") or secrets.token_bytes(32)
app.config["SERVER_NAME"] = f"localhost:{PORT}"
oauth = OAuth(app)
countersign = oauth.register(
    "countersign",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)
tokens = {}  # the name of a login in our cookie -> its tokens, which the browser never sees

PAGE = """{% if name %}<h1>Hello {{ name }}</h1><p><a href="/refresh">Refresh</a> <a href="/logout">Sign out</a></p>
{% else %}<h1>Hello stranger</h1><p><a href="/login">Sign in</a></p>{% endif %}"""


@app.get("/")
def home():
    return render_template_string(PAGE, name=session.get("name"))


@app.get("/login")
def login():
    return countersign.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    token = countersign.authorize_access_token()
    user = countersign.userinfo(token=token)
    session["login"] = secrets.token_urlsafe()
    session["name"] = user.get("name") or user.get("email") or user["sub"]
    tokens[session["login"]] = token
    return redirect(url_for("home"))


@app.get("/refresh")
def refresh():
    token = tokens.get(session.get("login"))
    if token is None:
        return redirect(url_for("login"))
    metadata = countersign.load_server_metadata()
    with countersign._get_oauth_client(**metadata) as client:
        fresh = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    tokens[session["login"]] = {**token, **fresh}
    return "refreshed"


@app.get("/logout")
def logout():
    token = tokens.pop(session.get("login"), None)
    session.clear()
    if token is None:
        return redirect(url_for("home"))
    end = countersign.load_server_metadata()["end_session_endpoint"]
    back = url_for("home", _external=True)
    return redirect(f"{end}?{urlencode({'id_token_hint': token['id_token'], 'post_logout_redirect_uri': back})}")


if __name__ == "__main__":
    server = make_server("localhost", PORT, app, threaded=True)
    print(f"Running on http://localhost:{PORT}/", flush=True)
    server.serve_forever()

// Logs in with go-oidc, as the published package is. Speaks with the test by lines of JSON: see talk.go.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	must(err)
	config := oauth2.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		RedirectURL:  os.Getenv("REDIRECT_URI"),
		Endpoint:     provider.Endpoint(),
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
	}
	state, nonce, verifier := random(), random(), random()
	digest := sha256.Sum256([]byte(verifier))
	arrived := open(config.AuthCodeURL(state, oidc.Nonce(nonce),
		oauth2.SetAuthURLParam("code_challenge", base64.RawURLEncoding.EncodeToString(digest[:])),
		oauth2.SetAuthURLParam("code_challenge_method", "S256")))
	answer, err := url.Parse(arrived)
	must(err)
	demand(answer.Query().Get("state") == state, "state")
	demand(answer.Query().Get("iss") == os.Getenv("ISSUER"), "iss")

	token, err := config.Exchange(ctx, answer.Query().Get("code"), oauth2.SetAuthURLParam("code_verifier", verifier))
	must(err)
	raw, _ := token.Extra("id_token").(string)
	idToken, err := provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, raw)
	must(err)
	demand(idToken.Nonce == nonce, "nonce")
	if idToken.AccessTokenHash != "" {
		must(idToken.VerifyAccessToken(token.AccessToken))
	}
	user, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	must(err)
	demand(user.Subject == idToken.Subject, "sub")

	// A token source refreshes what has run out.
	stale := *token
	stale.AccessToken = ""
	fresh, err := config.TokenSource(ctx, &stale).Token()
	must(err)
	demand(fresh.AccessToken != token.AccessToken, "a new access token")

	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	must(provider.Claims(&metadata))
	logout := url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {os.Getenv("LOGOUT_URI")}, "state": {state}}
	open(metadata.EndSession + "?" + logout.Encode())
	_, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: fresh.RefreshToken}).Token()
	demand(err != nil, "a logout ends the refresh token")
	done(map[string]string{"sub": idToken.Subject, "email": user.Email})
}

func random() string {
	bytes := make([]byte, 32)
	_, err := rand.Read(bytes)
	must(err)
	return base64.RawURLEncoding.EncodeToString(bytes)
}

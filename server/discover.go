package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// get fetches the keys.
func (i *Issuer) get(ctx context.Context) ([]byte, error) {
	address := i.KeysURL
	if address == "" {
		var err error
		if address, err = i.discover(ctx); err != nil {
			return nil, err
		}
	}
	return i.fetch(ctx, address)
}

// discover reads in the issuer's metadata where its keys are. It does so before each fetch of them, so that an issuer
// may move its keys.
func (i *Issuer) discover(ctx context.Context) (string, error) {
	var errs []error
	for _, address := range i.metadataURLs() {
		body, err := i.fetch(ctx, address)
		if err != nil {
			errs = append(errs, fmt.Errorf("read its metadata at %s: %w", address, err))
			continue
		}
		var metadata struct {
			Issuer  string `json:"issuer"`
			KeysURL string `json:"jwks_uri"`
		}
		if err := json.Unmarshal(body, &metadata); err != nil {
			return "", fmt.Errorf("read its metadata at %s: %w", address, err)
		}
		switch {
		case metadata.Issuer != i.Name: // RFC 8414, 3.3: it must not be used
			return "", fmt.Errorf("the metadata at %s is that of another issuer, %q", address, metadata.Issuer)
		case !trustworthy(metadata.KeysURL):
			return "", fmt.Errorf("the metadata at %s says that its keys are at %q, which is no https URL", address, metadata.KeysURL)
		case strings.HasPrefix(i.Name, "https:") && !strings.HasPrefix(metadata.KeysURL, "https:"):
			return "", fmt.Errorf("the metadata at %s leads away from TLS", address)
		}
		return metadata.KeysURL, nil
	}
	return "", errors.Join(errs...)
}

// metadataURLs are where an issuer's metadata may be: as OpenID Connect Discovery has it, behind its name, and as RFC
// 8414 has it, between host and path.
func (i *Issuer) metadataURLs() []string {
	u, err := url.Parse(i.Name)
	if err != nil {
		return nil // complete has seen to it
	}
	behind, between := *u, *u
	behind.Path = strings.TrimRight(u.Path, "/") + "/.well-known/openid-configuration"
	between.Path = "/.well-known/oauth-authorization-server" + strings.TrimRight(u.Path, "/")
	behind.RawPath, between.RawPath = "", ""
	return []string{behind.String(), between.String()}
}

// fetch reads a document of the issuer's.
func (i *Issuer) fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := i.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, largestKeys+1))
	if err != nil {
		return nil, err
	}
	if len(body) > largestKeys {
		return nil, errors.New("it is more than a mebibyte")
	}
	return body, nil
}

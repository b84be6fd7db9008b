// SPDX-License-Identifier: Apache-2.0

// Okta's SDK for Go, told what to do by lines of JSON on stdin; one line of JSON per answer.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/okta/okta-sdk-golang/v5/okta"
)

type settings struct {
	OrgURL            string   `json:"orgUrl"`
	AuthorizationMode string   `json:"authorizationMode"`
	Token             string   `json:"token"`
	ClientID          string   `json:"clientId"`
	Scopes            []string `json:"scopes"`
	PrivateKey        string   `json:"privateKey"`
	Kid               string   `json:"kid"`
	Retries           *int32   `json:"retries"`
}

type command struct {
	Number   int            `json:"number"`
	Do       string         `json:"do"`
	Client   string         `json:"client"`
	Settings settings       `json:"settings"`
	Query    map[string]any `json:"query"`
	Want     int            `json:"want"`
	ID       string         `json:"id"`
	Path     string         `json:"path"`

	Factor      string         `json:"factor"`
	Transaction string         `json:"transaction"`
	Body        map[string]any `json:"body"`
	Forwarded   string         `json:"forwarded"`
	Agent       string         `json:"agent"`
}

type answer map[string]any

var clients = map[string]*okta.APIClient{}

func makeClient(c command) (answer, error) {
	s := c.Settings
	retries := int32(2)
	if s.Retries != nil {
		retries = *s.Retries
	}
	options := []okta.ConfigSetter{
		okta.WithOrgUrl(s.OrgURL), okta.WithAuthorizationMode(s.AuthorizationMode), okta.WithToken(s.Token),
		okta.WithClientId(s.ClientID), okta.WithScopes(s.Scopes), okta.WithPrivateKeyId(s.Kid), okta.WithCache(false),
		okta.WithRateLimitMaxRetries(retries), okta.WithRateLimitMaxBackOff(30),
	}
	if len(s.PrivateKey) > 0 && s.PrivateKey[0] == '{' { // this SDK has a mode of its own for JWKs
		options = append(options, okta.WithAuthorizationMode("JWK"), okta.WithJWK(s.PrivateKey),
			okta.WithEncryptionType("RSA"))
	} else if s.PrivateKey != "" {
		options = append(options, okta.WithPrivateKey(s.PrivateKey))
	}
	configuration, err := okta.NewConfiguration(options...)
	if err != nil {
		return nil, err
	}
	clients[c.Client] = okta.NewAPIClient(configuration)
	return answer{}, nil
}

func instant(at *time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

func event(e okta.LogEvent) any {
	targets := []any{}
	for _, target := range e.Target {
		targets = append(targets, target.Id)
	}
	var actor, result any
	if e.Actor != nil {
		actor = e.Actor.AlternateId
	}
	if e.Outcome != nil {
		result = e.Outcome.Result
	}
	return []any{e.Uuid, e.EventType, instant(e.Published), actor, result, targets}
}

func user(id, status *string, created *time.Time, p *okta.UserProfile) any {
	return []any{id, status, instant(created), p.Login, p.Email, p.FirstName.Get(), p.LastName.Get()}
}

// What a program that uses the SDK can see of a refusal.
func refusal(response *okta.APIResponse, err error) (answer, error) {
	if err == nil {
		return nil, nil
	}
	seen := map[string]any{"kind": fmt.Sprintf("%T", err), "status": nil, "code": nil, "summary": nil,
		"causes": []string{}, "challenge": nil, "text": err.Error()}
	if response != nil && response.Response != nil {
		seen["status"] = response.StatusCode
		seen["challenge"] = response.Header.Get("WWW-Authenticate")
	}
	var failed *okta.GenericOpenAPIError
	if errors.As(err, &failed) && len(failed.Body()) > 0 {
		var body okta.Error
		if err := json.Unmarshal(failed.Body(), &body); err != nil {
			return nil, err
		}
		seen["code"], seen["summary"] = body.ErrorCode, body.ErrorSummary
		causes := []*string{}
		for _, cause := range body.ErrorCauses {
			causes = append(causes, cause.ErrorSummary)
		}
		seen["causes"] = causes
	}
	return answer{"error": seen}, nil
}

func text(query map[string]any, name string, set func(string)) {
	if value, ok := query[name].(string); ok {
		set(value)
	}
}

func limit(query map[string]any, set func(int32)) {
	if value, ok := query["limit"].(float64); ok {
		set(int32(value))
	}
}

// A bound of the range; this SDK's type for it lets nothing through that is not an instant.
func bound(query map[string]any, name string, set func(time.Time)) error {
	value, ok := query[name].(string)
	if !ok {
		return nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err == nil {
		set(at)
	}
	return err
}

func logRequest(c command) (okta.ApiListLogEventsRequest, error) {
	client := clients[c.Client]
	r := client.SystemLogAPI.ListLogEvents(client.GetConfig().Context)
	text(c.Query, "filter", func(v string) { r = r.Filter(v) })
	text(c.Query, "q", func(v string) { r = r.Q(v) })
	text(c.Query, "sortOrder", func(v string) { r = r.SortOrder(v) })
	limit(c.Query, func(v int32) { r = r.Limit(v) })
	err := bound(c.Query, "since", func(v time.Time) { r = r.Since(v) })
	if err == nil {
		err = bound(c.Query, "until", func(v time.Time) { r = r.Until(v) })
	}
	return r, err
}

// Follows the next links from the first page on; with `want`, waits for so many items at the end of what there is.
func pages[T any](first []T, response *okta.APIResponse, err error, shown func(T) any, want int) (answer, error) {
	items, count, page := []any{}, 0, first
	for {
		if refused, bad := refusal(response, err); refused != nil || bad != nil {
			return refused, bad
		}
		count++
		for _, item := range page {
			items = append(items, shown(item))
		}
		if !response.HasNextPage() || (want > 0 && len(items) >= want) {
			return answer{"items": items, "pages": count}, nil
		}
		if len(page) == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		page = nil
		response, err = response.Next(&page)
	}
}

func events(c command) (answer, error) {
	request, err := logRequest(c)
	if err != nil {
		return nil, err
	}
	page, response, err := request.Execute()
	return pages(page, response, err, event, c.Want)
}

func users(c command) (answer, error) {
	client := clients[c.Client]
	r := client.UserAPI.ListUsers(client.GetConfig().Context)
	text(c.Query, "filter", func(v string) { r = r.Filter(v) })
	text(c.Query, "q", func(v string) { r = r.Q(v) })
	text(c.Query, "search", func(v string) { r = r.Search(v) })
	text(c.Query, "sortBy", func(v string) { r = r.SortBy(v) })
	text(c.Query, "sortOrder", func(v string) { r = r.SortOrder(v) })
	limit(c.Query, func(v int32) { r = r.Limit(v) })
	page, response, err := r.Execute()
	return pages(page, response, err, func(u okta.User) any { return user(u.Id, u.Status, u.Created, u.Profile) }, 0)
}

func getUser(c command) (answer, error) {
	client := clients[c.Client]
	found, response, err := client.UserAPI.GetUser(client.GetConfig().Context, c.ID).Execute()
	if refused, bad := refusal(response, err); refused != nil || bad != nil {
		return refused, bad
	}
	return answer{"items": []any{user(found.Id, found.Status, found.Created, found.Profile)}, "pages": 1}, nil
}

// What this SDK gives is one of a dozen types: their JSON says which.
func shownFactor(f okta.ListFactors200ResponseInner) (any, error) {
	var of struct {
		ID         string    `json:"id"`
		FactorType string    `json:"factorType"`
		Provider   string    `json:"provider"`
		Status     string    `json:"status"`
		Created    time.Time `json:"created"`
	}
	text, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(text, &of)
	}
	return []any{of.ID, of.FactorType, of.Provider, of.Status, instant(&of.Created)}, err
}

func factors(c command) (answer, error) {
	client := clients[c.Client]
	list, response, err := client.UserFactorAPI.ListFactors(client.GetConfig().Context, c.ID).Execute()
	if refused, bad := refusal(response, err); refused != nil || bad != nil {
		return refused, bad
	}
	items := []any{}
	for _, f := range list {
		item, err := shownFactor(f)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return answer{"items": items, "pages": 1}, nil
}

func verify(c command) (answer, error) {
	client := clients[c.Client]
	r := client.UserFactorAPI.VerifyFactor(client.GetConfig().Context, c.ID, c.Factor)
	if c.Body != nil {
		r = r.Body(c.Body)
	}
	if c.Forwarded != "" {
		r = r.XForwardedFor(c.Forwarded)
	}
	if c.Agent != "" {
		r = r.UserAgent(c.Agent)
	}
	got, response, err := r.Execute()
	if refused, bad := refusal(response, err); refused != nil || bad != nil {
		return refused, bad
	}
	var transaction any
	if got.Links != nil && got.Links.Poll != nil {
		transaction = path.Base(got.Links.Poll.Href)
	}
	return answer{"items": []any{[]any{got.FactorResult, got.Embedded["challenge"]["correctAnswer"], transaction}},
		"pages": 1}, nil
}

func poll(c command) (answer, error) {
	client := clients[c.Client]
	got, response, err := client.UserFactorAPI.GetFactorTransactionStatus(client.GetConfig().Context, c.ID, c.Factor,
		c.Transaction).Execute()
	if refused, bad := refusal(response, err); refused != nil || bad != nil {
		return refused, bad
	}
	var of okta.UserFactorPushTransaction
	text, err := json.Marshal(got)
	if err == nil {
		err = json.Unmarshal(text, &of)
	}
	return answer{"items": []any{[]any{of.FactorResult}}, "pages": 1}, err
}

// Keeps the SDK's last request to the API.
type keeper struct{ last *http.Request }

func (k *keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	k.last = r
	return http.DefaultTransport.RoundTrip(r)
}

// Sends what the SDK made for one request two times, without making it anew.
func twice(c command) (answer, error) {
	client := clients[c.Client]
	kept := &keeper{}
	client.GetConfig().HTTPClient = &http.Client{Transport: kept}
	_, response, err := client.SystemLogAPI.ListLogEvents(client.GetConfig().Context).Limit(1).Execute()
	if refused, bad := refusal(response, err); refused != nil || bad != nil {
		return refused, bad
	}
	again, err := http.DefaultTransport.RoundTrip(kept.last)
	if err != nil {
		return nil, err
	}
	defer again.Body.Close()
	return answer{"statuses": []int{response.StatusCode, again.StatusCode},
		"challenges": []string{response.Header.Get("WWW-Authenticate"), again.Header.Get("WWW-Authenticate")}}, nil
}

var commands = map[string]func(command) (answer, error){
	"client": makeClient, "events": events, "follow": events, "users": users, "user": getUser, "factors": factors,
	"verify": verify, "poll": poll, "twice": twice,
}

func obey(line []byte) answer {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return answer{"broken": err.Error()}
	}
	done, err := commands[c.Do](c)
	if err != nil {
		done = answer{"broken": err.Error()}
	}
	done["number"] = c.Number
	return done
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(obey(lines.Bytes())); err != nil {
			os.Exit(1)
		}
	}
}

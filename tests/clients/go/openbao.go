// SPDX-License-Identifier: Apache-2.0

// The same as vault.go with OpenBao's library, whose types are others.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/openbao/openbao/api/v2"
)

type openbaoLibrary struct {
	client *api.Client
}

func (l *openbaoLibrary) connect(q command) (err error) {
	settings := api.DefaultConfig()
	settings.Address = q.Address
	settings.MaxRetries = 0
	if l.client, err = api.NewClient(settings); err == nil {
		l.client.SetToken(q.Token)
	}
	return err
}

func (l *openbaoLibrary) refused(err error) (refusal, bool) {
	var r *api.ResponseError
	if errors.As(err, &r) {
		return refusal{r.StatusCode, r.Errors}, true
	}
	return refusal{}, false
}

func (l *openbaoLibrary) act(q command) (any, error) {
	f := openbaoActions[q.Do]
	if f == nil {
		return nil, fmt.Errorf("no action %q", q.Do)
	}
	return f(l.client, q)
}

func openbaoSecret(s *api.Secret, err error) (any, error) {
	if s == nil || err != nil {
		return nil, err
	}
	return map[string]any{"data": s.Data, "auth": openbaoAuth(s.Auth), "wrap": s.WrapInfo}, nil
}

func openbaoAuth(a *api.SecretAuth) any {
	if a == nil {
		return nil
	}
	return map[string]any{"client_token": a.ClientToken, "accessor": a.Accessor, "policies": a.Policies,
		"entity_id": a.EntityID, "orphan": a.Orphan, "renewable": a.Renewable, "lease_duration": a.LeaseDuration,
		"metadata": a.Metadata}
}

func openbaoAccessors(mounts map[string]*api.MountOutput, err error) (any, error) {
	found := map[string]string{}
	for path, m := range mounts {
		found[path] = m.Accessor
	}
	return found, err
}

var openbaoActions = map[string]func(*api.Client, command) (any, error){
	"read": func(c *api.Client, q command) (any, error) { return openbaoSecret(c.Logical().Read(q.Path)) },
	"list": func(c *api.Client, q command) (any, error) { return openbaoSecret(c.Logical().List(q.Path)) },
	"mfa_read": func(c *api.Client, q command) (any, error) {
		c.SetMFACreds([]string{q.MFA})
		defer c.SetMFACreds(nil)
		return openbaoSecret(c.Logical().Read(q.Path))
	},
	"write": func(c *api.Client, q command) (any, error) { return openbaoSecret(c.Logical().Write(q.Path, q.Data)) },
	"delete": func(c *api.Client, q command) (any, error) {
		return openbaoSecret(c.Logical().Delete(q.Path))
	},
	"health": func(c *api.Client, q command) (any, error) { return c.Sys().Health() },
	"seal_status": func(c *api.Client, q command) (any, error) {
		return c.Sys().SealStatus()
	},
	"auth_enable": func(c *api.Client, q command) (any, error) {
		return nil, c.Sys().EnableAuthWithOptions(q.Path, &api.EnableAuthOptions{Type: q.Type})
	},
	"auth_disable": func(c *api.Client, q command) (any, error) { return nil, c.Sys().DisableAuth(q.Path) },
	"auth_list": func(c *api.Client, q command) (any, error) {
		return openbaoAccessors(c.Sys().ListAuth())
	},
	"mount": func(c *api.Client, q command) (any, error) {
		return nil, c.Sys().Mount(q.Path, &api.MountInput{Type: q.Type})
	},
	"mount_list":    func(c *api.Client, q command) (any, error) { return openbaoAccessors(c.Sys().ListMounts()) },
	"policy_put":    func(c *api.Client, q command) (any, error) { return nil, c.Sys().PutPolicy(q.Name, q.Text) },
	"policy_get":    func(c *api.Client, q command) (any, error) { return c.Sys().GetPolicy(q.Name) },
	"policy_list":   func(c *api.Client, q command) (any, error) { return c.Sys().ListPolicies() },
	"policy_delete": func(c *api.Client, q command) (any, error) { return nil, c.Sys().DeletePolicy(q.Name) },
	"kv_put": func(c *api.Client, q command) (any, error) {
		return nil, c.KVv1(q.Name).Put(context.Background(), q.Path, q.Data)
	},
	"kv_get": func(c *api.Client, q command) (any, error) {
		s, err := c.KVv1(q.Name).Get(context.Background(), q.Path)
		if err != nil {
			return nil, err
		}
		return s.Data, nil
	},
	"token_create": func(c *api.Client, q command) (any, error) {
		return openbaoSecret(c.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{q.Name}, TTL: q.TTL}))
	},
	"token_lookup": func(c *api.Client, q command) (any, error) { return openbaoSecret(c.Auth().Token().LookupSelf()) },
	"token_renew":  func(c *api.Client, q command) (any, error) { return openbaoSecret(c.Auth().Token().RenewSelf(60)) },
	"token_revoke": func(c *api.Client, q command) (any, error) { return nil, c.Auth().Token().RevokeSelf("") },
	"login": func(c *api.Client, q command) (any, error) {
		return openbaoSecret(c.Logical().Write("auth/"+q.Path+"/login/"+q.User, map[string]any{"password": q.Pass}))
	},
	"capabilities": func(c *api.Client, q command) (any, error) { return c.Sys().CapabilitiesSelf(q.Path) },
	"wrapped_read": func(c *api.Client, q command) (any, error) {
		c.SetWrappingLookupFunc(func(string, string) string { return q.TTL })
		defer c.SetWrappingLookupFunc(nil)
		s, err := c.Logical().Read(q.Path)
		if err != nil {
			return nil, err
		}
		return s.WrapInfo.Token, nil
	},
	"unwrap": func(c *api.Client, q command) (any, error) { return openbaoSecret(c.Logical().Unwrap(q.Token)) },
}

// SPDX-License-Identifier: Apache-2.0
#include "sim/company-data.h"

#include <stddef.h>

const char *const data_first[DATA_FIRST] = {
    "Amara",   "Benedikt", "Chiara", "Dmitri",   "Elif",   "Farid",  "Grace",  "Hugo",
    "Ines",    "Jonas",    "Keiko",  "Liam",     "Maria",  "Nadia",  "Oskar",  "Priya",
    "Quentin", "Rosa",     "Samuel", "Tomasz",   "Uma",    "Viktor", "Wanda",  "Xavier",
    "Yara",    "Zoë",      "Anton",  "Brigitte", "Carlos", "Deepa",  "Erik",   "Fatima",
    "Günther", "Hanna",    "Igor",   "Julia",    "Kofi",   "Lucía",  "Mehmet", "Nora",
};

const char *const data_last[DATA_LAST] = {
    "Adler",   "Baptiste",   "Castillo",  "Dubois",    "Eriksen",  "Fischer",  "García", "Hoffmann",
    "Ivanova", "Jensen",     "Kowalski",  "Lindqvist", "Moreau",   "Nakamura", "Okafor", "Petrov",
    "Quinn",   "Rossi",      "Schneider", "Tanaka",    "Ueda",     "Varga",    "Weber",  "Xu",
    "Yılmaz",  "Zimmermann", "Andersen",  "Brown",     "Costa",    "Díaz",     "Evans",  "Ferrari",
    "Green",   "Haddad",     "Iyer",      "Johnson",   "Khan",     "Lopez",    "Meyer",  "Novak",
    "O'Brien", "Patel",      "Reyes",     "Silva",     "Thompson", "Ueland",   "Vogel",  "Walsh",
};

const struct place data_places[DATA_PLACES] = {
    {"Dublin", "Leinster", "Ireland", "D02", "53.3331", "-6.2489", 5466, "eircom limited",
     "eircom limited", "eircom.net", 198, 18, false},
    {"San Francisco", "California", "United States", "94107", "37.7697", "-122.3933", 7922,
     "comcast cable communications llc", "comcast cable communications llc", "comcast.net", 198, 18,
     false},
    {"Austin", "Texas", "United States", "78701", "30.2706", "-97.7426", 7018,
     "at&t internet services", "att internet services", "sbcglobal.net", 198, 18, false},
    {"Berlin", "Land Berlin", "Germany", "10117", "52.5170", "13.3889", 3320, "deutsche telekom ag",
     "deutsche telekom ag", "t-ipconnect.de", 198, 19, false},
    {"Kraków", "Lesser Poland", "Poland", "31-042", "50.0614", "19.9366", 5617,
     "orange polska spolka akcyjna", "neostrada", "tpnet.pl", 198, 19, false},
    {"London", "England", "United Kingdom", "EC2A", "51.5237", "-0.0847", 2856,
     "british telecommunications plc", "bt public internet service", "btcentralplus.com", 198, 19,
     false},
    {"Bengaluru", "Karnataka", "India", "560001", "12.9763", "77.5929", 24560,
     "bharti airtel limited", "bharti airtel ltd.", "airtelbroadband.in", 198, 18, false},
    {"Singapore", "Central Singapore", "Singapore", "048616", "1.2868", "103.8503", 9506,
     "singtel fibre broadband", "singtel fibre broadband", "singnet.com.sg", 198, 19, false},
    {"São Paulo", "São Paulo", "Brazil", "01000", "-23.5475", "-46.6361", 26599,
     "telefonica brasil s.a", "vivo", "vivo.com.br", 198, 18, false},
    {"Toronto", "Ontario", "Canada", "M5H", "43.6510", "-79.3835", 812,
     "rogers communications canada inc.", "rogers cable", "rogers.com", 198, 18, false},
    {"Paris", "Île-de-France", "France", "75002", "48.8682", "2.3415", 3215, "orange s.a.",
     "orange", "wanadoo.fr", 198, 19, false},
    {"Sydney", "New South Wales", "Australia", "2000", "-33.8672", "151.1997", 1221,
     "telstra corporation ltd", "telstra internet", "telstra.net", 198, 19, false},
};

const struct place data_strange[DATA_STRANGE] = {
    {"Reykjavik", "Capital Region", "Iceland", "101", "64.1459", "-21.9422", 64496,
     "hidden hosting ehf", "hidden hosting ehf", "hidden-hosting.example", 203, 0, true},
    {"Bucharest", "București", "Romania", "030167", "44.4341", "26.1027", 64497, "fast vps srl",
     "fast vps srl", "fast-vps.example", 203, 0, true},
    {"Lagos", "Lagos", "Nigeria", "101001", "6.4550", "3.3941", 64498, "coastal mobile ltd",
     "coastal mobile ltd", "coastal-mobile.example", 203, 0, false},
    {"Ashburn", "Virginia", "United States", "20147", "39.0469", "-77.4903", 64499,
     "rented cloud inc", "rented cloud inc", "rented-cloud.example", 203, 0, true},
    {"Minsk", "Minsk City", "Belarus", "220030", "53.9007", "27.5709", 64500, "netlink unitary",
     "netlink unitary", "netlink.example", 203, 0, false},
};

const struct agent data_desks[DATA_DESKS] = {
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36",
     "Windows 10", "CHROME", "Computer", "WINDOWS", "10.0.22631.4460"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36",
     "Mac OS 14.7.1 (Sonoma)", "CHROME", "Computer", "OSX", "14.7.1"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.1 Safari/605.1.15",
     "Mac OS 15.1.1 (Sequoia)", "SAFARI", "Computer", "OSX", "15.1.1"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
     "Windows 10", "FIREFOX", "Computer", "WINDOWS", "10.0.19045.5131"},
    {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Linux", "FIREFOX",
     "Computer", "LINUX", "6.1.0"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.63",
     "Windows 10", "EDGE", "Computer", "WINDOWS", "10.0.26100.2314"},
};

const struct agent data_phones[DATA_PHONES] = {
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) Version/18.1.1 Mobile/15E148 Safari/604.1",
     "iOS 18.1.1 (iPhone)", "SAFARI", "Mobile", "IOS", "18.1.1"},
    {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
     "Mobile Safari/537.36",
     "Android 10", "CHROME", "Mobile", "ANDROID", "14"},
    {"D2DD7D3915.com.okta.android.auth/8.18.0 DeviceSDK/0.19.0 Android/14 google/Pixel 8",
     "Android 14", "UNKNOWN", "Mobile", "ANDROID", "14"},
    {"B7F62B65BN.com.okta.mobile/9.29.0 DeviceSDK/1.0 iOS/18.1 Apple/iPhone15,2", "iOS 18.1",
     "UNKNOWN", "Mobile", "IOS", "18.1"},
};

const struct agent data_script = {
    "python-requests/2.32.3", "Unknown", "UNKNOWN", "Unknown", "UNKNOWN", "0"};

const char *const data_apps[COMPANY_APPS][2] = {
    {"slack", "Slack"},
    {"office365", "Microsoft Office 365"},
    {"salesforce", "Salesforce.com"},
    {"google", "Google Workspace"},
    {"amazon_aws", "AWS IAM Identity Center"},
    {"zoomus", "Zoom"},
    {"githubcloud", "GitHub Enterprise Cloud"},
    {"jira_onprem", "Atlassian Jira"},
    {"workday", "Workday"},
    {"servicenow_ud", "ServiceNow UD"},
    {"datadog", "Datadog"},
    {"box", "Box"},
    {"oidc_client", "Expense Portal"},
    {"pagerduty", "PagerDuty"},
    {"zendesk", "Zendesk"},
    {"snowflake", "Snowflake"},
    {"flow", "Okta Workflows"},
    {"okta_enduser", "Okta Dashboard"},
};

const char *const data_clients[COMPANY_CLIENTS][2] = {
    {"oidc_client", "Log Collector"},         {"oidc_client", "HR Provisioning Sync"},
    {"oidc_client", "Terraform Automation"},  {"oidc_client", "Badge Access Bridge"},
    {"oidc_client", "Data Warehouse Loader"},
};

const char *const data_groups[COMPANY_GROUPS] = {
    "Everyone",  "Engineering",       "Sales EMEA",          "Sales Americas",
    "Finance",   "People Operations", "Contractors",         "AWS Production Access",
    "VPN Users", "Helpdesk",          "Okta Administrators", "Marketing",
    "Legal",     "Data Platform",     "Site Reliability",    "Interns 2026",
};

const char *const data_policies[COMPANY_POLICIES][2] = {
    {"Default Policy", "Default Rule"},
    {"Contractors sign-on", "Require MFA always"},
    {"Any two factors", "Catch-all Rule"},
    {"High assurance apps", "Phishing-resistant on managed devices"},
    {"MFA enrollment", "Okta Verify required"},
    {"Password policy", "Self-service reset"},
    {"Okta Admin Console", "Administrators every session"},
};

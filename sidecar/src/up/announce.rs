//! What a user sees when the gateway is ready: where it is, and what to try first.

use super::ready::reachable;
use super::setup::Setup;
use crate::output;
use weir_core::config::{Config, Listen};

/// Prints it. The first word of the first line is `ready`; scripts wait for it.
pub(super) fn ready(setup: &Setup) {
    output::say(text(&setup.config, setup.simulated).trim_end());
}

fn text(config: &Config, simulated: bool) -> String {
    let gateway = format!("http://{}", reachable(config.listen));
    let note = if simulated {
        "no provider key found in the environment: answers come from the built-in simulator\n"
    } else {
        ""
    };
    let model = match (config.models.first(), config.providers.first()) {
        (Some(model), _) => model.name.clone(),
        (None, Some(provider)) => format!("{}/MODEL", provider.name),
        (None, None) => "MODEL".to_owned(),
    };
    let key = if config.tenants.is_empty() { "" } else { " -H 'authorization: Bearer YOUR_KEY'" };
    let api_key = if config.tenants.is_empty() { "anything" } else { "YOUR_KEY" };
    let curl = |flag: &str, stream: &str| {
        format!(
            "curl -s{flag} {gateway}/v1/chat/completions{key} -H 'content-type: application/json' \\\n    \
             -d '{{\"model\":\"{model}\",{stream}\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        )
    };
    let page = match &config.sidecar.listen {
        Listen::Tcp(address) => format!("http://{}/ui", reachable(*address)),
        // No browser speaks to a Unix socket.
        Listen::Unix(_) => "weir top".to_owned(),
    };
    let stats = format!("http://{}/stats/prometheus", reachable(config.admin));
    format!(
        "ready  {gateway}\n{note}\nOpenAI clients: base_url={gateway}/v1 api_key={api_key}\n\
         status page:    {page}\nEnvoy's stats:  {stats}\n\ntry\n  {}\nor as a stream\n  {}\n",
        curl("", ""),
        curl("N", "\"stream\":true,"),
    )
}

#[cfg(test)]
mod tests {
    use super::text;
    use expect_test::expect;

    #[test]
    fn the_first_line_is_for_scripts_and_the_rest_can_be_pasted() {
        let yaml = "providers: { openai: { kind: openai, api_key: $K } }\nmodels: { smart: [openai/gpt-5.6] }\n";
        let (config, _) = weir_core::config::parse(yaml).expect("right");
        expect![[r#"
            ready  http://127.0.0.1:10000
            no provider key found in the environment: answers come from the built-in simulator

            OpenAI clients: base_url=http://127.0.0.1:10000/v1 api_key=anything
            status page:    http://127.0.0.1:10001/ui
            Envoy's stats:  http://127.0.0.1:9901/stats/prometheus

            try
              curl -s http://127.0.0.1:10000/v1/chat/completions -H 'content-type: application/json' \
                -d '{"model":"smart","messages":[{"role":"user","content":"Hello"}]}'
            or as a stream
              curl -sN http://127.0.0.1:10000/v1/chat/completions -H 'content-type: application/json' \
                -d '{"model":"smart","stream":true,"messages":[{"role":"user","content":"Hello"}]}'
        "#]]
        .assert_eq(&text(&config, true));
    }
}

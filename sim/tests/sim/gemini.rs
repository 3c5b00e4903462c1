//! The simulated Gemini over HTTP.

use serde_json::{Value, json};
use weir_sim::{GEMINI_KEY, Provider::Gemini, Reply};

use crate::common::{Rig, hello, with};

fn user(parts: Value) -> Value {
    json!({"role": "user", "parts": parts})
}

fn model(parts: Value) -> Value {
    json!({"role": "model", "parts": parts})
}

fn text(text: &str) -> Value {
    json!([{"text": text}])
}

fn call(signature: Option<&str>) -> Value {
    let mut part = json!({"functionCall": {"name": "weather", "args": {"city": "Paris"}}});
    if let Some(signature) = signature {
        part["thoughtSignature"] = json!(signature);
    }
    part
}

fn response() -> Value {
    json!({"functionResponse": {"name": "weather", "response": {"output": "18C"}}})
}

fn tools() -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    json!([{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": schema}, {"name": "clock"}]}])
}

const SKIP: &str = "skip_thought_signature_validator";
const PATH_2_5: &str = "/v1beta/models/gemini-2.5-flash:generateContent";

#[tokio::test]
async fn content_is_generated_on_both_versions_with_every_field_the_sdks_read() {
    let rig = Rig::start().await;
    for path in ["/v1/models/gemini-2.5-flash:generateContent", PATH_2_5] {
        let (status, answer) = rig.send(rig.post(Gemini, path).json(&hello(Gemini))).await;
        assert_eq!(status, 200, "{answer}");
        let candidate = &answer["candidates"][0];
        let said = r#"Hello from gemini-2.5-flash at gemini. You said: "Hi" (2 chars)"#;
        assert_eq!(candidate["content"], json!({"role": "model", "parts": [{"text": said}]}));
        assert_eq!((&candidate["finishReason"], &candidate["index"]), (&json!("STOP"), &json!(0)));
        let details = json!([{"modality": "TEXT", "tokenCount": 1}]);
        let usage = json!({"promptTokenCount": 1, "candidatesTokenCount": 11, "totalTokenCount": 12, "promptTokensDetails": details});
        assert_eq!(answer["usageMetadata"], usage);
        assert_eq!(answer["modelVersion"], "gemini-2.5-flash");
        assert!(answer["responseId"].is_string());
    }
}

#[tokio::test]
async fn function_calls_are_signed_from_gemini_3_on_and_accepted_back() {
    let rig = Rig::start().await;
    let asked = text("use all tools");
    let base = json!({"contents": [user(asked.clone())], "tools": tools()});
    let answer = rig.ok(Gemini, &base).await;
    let parts = answer["candidates"][0]["content"]["parts"].clone();
    assert_eq!(parts[0]["functionCall"], json!({"name": "weather", "args": {"city": "sim"}}));
    assert!(parts[0]["thoughtSignature"].is_string());
    assert_eq!(parts[1], json!({"functionCall": {"name": "clock", "args": {}}}), "only the first call is signed");
    assert_eq!(answer["candidates"][0]["finishReason"], "STOP");

    let noon = json!({"functionResponse": {"name": "clock", "response": {"error": "noon"}}});
    let contents = json!([user(asked), model(parts), user(json!([response(), noon]))]);
    let answer = rig.ok(Gemini, &with(&base, json!({"contents": contents}))).await;
    let said = &answer["candidates"][0]["content"]["parts"][0]["text"];
    assert_eq!(said, "Hello from gemini-3.8-flash at gemini. The tool said: 18C, noon");

    let (_, old) = rig.send(rig.post(Gemini, PATH_2_5).json(&base)).await;
    assert_eq!(old["candidates"][0]["content"]["parts"][0].get("thoughtSignature"), None);
}

#[tokio::test]
async fn the_first_call_of_each_step_of_the_current_turn_needs_its_signature() {
    let rig = Rig::start().await;
    let hi = user(text("Hi"));
    let step = |signature| model(json!([call(signature)]));
    let answered = user(json!([response()]));
    let send = async |path: &str, contents: Value| {
        let (status, answer) = rig.send(rig.post(Gemini, path).json(&json!({"contents": contents}))).await;
        (status.as_u16(), answer["error"]["message"].as_str().unwrap_or_default().to_owned())
    };
    let new = "/v1beta/models/gemini-3.8-flash:generateContent";
    let (status, message) = send(new, json!([hi, step(None), answered])).await;
    assert_eq!(status, 400);
    assert!(message.starts_with("Function call is missing a thought_signature in functionCall parts."), "{message}");
    let base64 = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";
    for signature in [SKIP, base64] {
        assert_eq!(send(new, json!([hi, step(Some(signature)), answered])).await.0, 200);
    }
    let second_step = json!([hi, step(Some(SKIP)), answered, step(None), answered]);
    assert_eq!(send(new, second_step).await.0, 400);
    let earlier_turn = json!([hi, step(None), answered, model(text("18C")), hi]);
    assert_eq!(send(new, earlier_turn).await.0, 200, "only the current turn is checked");
    assert_eq!(send(PATH_2_5, json!([hi, step(None), answered])).await.0, 200, "only from Gemini 3 on");
    let (status, message) = send(new, json!([hi, step(Some("b3RoZXI=")), answered])).await;
    assert_eq!((status, message.as_str()), (400, "Corrupted thought signature."));
}

#[tokio::test]
async fn json_and_limits_and_stops_and_candidates_are_respected() {
    let rig = Rig::start().await;
    let ask = async |config: Value| rig.ok(Gemini, &with(&hello(Gemini), json!({"generationConfig": config}))).await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let said = |answer: &Value| answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap().to_owned();
    let answer = ask(json!({"responseMimeType": "application/json", "responseJsonSchema": schema})).await;
    assert_eq!(said(&answer), r#"{"n":1}"#);
    let answer = ask(json!({"response_mime_type": "application/json", "response_schema": schema})).await;
    assert_eq!(said(&answer), r#"{"n":1}"#, "snake_case is the same");
    let answer = ask(json!({"maxOutputTokens": 2})).await;
    assert_eq!(
        (said(&answer).as_str(), &answer["candidates"][0]["finishReason"]),
        ("Hello from ", &json!("MAX_TOKENS"))
    );
    assert_eq!(said(&ask(json!({"stopSequences": [" from"]})).await), "Hello");
    assert_eq!(ask(json!({"candidateCount": 2})).await["candidates"][1]["index"], 1);
    let answer = ask(json!({"thinkingConfig": {"includeThoughts": true, "thinkingLevel": "low"}})).await;
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["thought"], true);
    assert_eq!(answer["usageMetadata"]["thoughtsTokenCount"], 5);
    rig.sim.set_reply(Gemini, Reply { finish_reason: Some("SAFETY".into()), ..Reply::default() }).unwrap();
    assert_eq!(ask(json!({})).await["candidates"][0]["finishReason"], "SAFETY");
}

#[tokio::test]
async fn embeddings_come_one_or_in_batches_without_usage() {
    let rig = Rig::start().await;
    let one = json!({"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 4});
    let (_, answer) = rig.send(rig.post(Gemini, "/v1beta/models/gemini-embedding-001:embedContent").json(&one)).await;
    assert_eq!(answer["embedding"]["values"].as_array().unwrap().len(), 4);
    let path = "/v1beta/models/gemini-embedding-001:batchEmbedContents";
    let request = with(&one, json!({"model": "models/gemini-embedding-001", "taskType": "RETRIEVAL_QUERY"}));
    let (_, batch) = rig.send(rig.post(Gemini, path).json(&json!({"requests": [request, request]}))).await;
    assert_eq!(batch["embeddings"][1], answer["embedding"]);
    assert_eq!(batch.as_object().unwrap().len(), 1, "no usage");
    for bad in [
        json!({"requests": []}),
        json!({"requests": [one]}),
        json!({"requests": [with(&request, json!({"model": "models/x"}))]}),
    ] {
        assert_eq!(rig.send(rig.post(Gemini, path).json(&bad)).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn what_gemini_refuses_is_refused_in_its_words() {
    let rig = Rig::start().await;
    let hi = user(text("Hi"));
    let config = |config: Value| json!({"generationConfig": config});
    let function = |function: Value| json!({"tools": [{"functionDeclarations": [function]}]});
    let calling = |config: Value| json!({"tools": tools(), "toolConfig": {"functionCallingConfig": config}});
    let signed = model(json!([call(Some(SKIP))]));
    let answered = user(json!([response()]));
    let cases = [
        (json!({"contents": null}), "* GenerateContentRequest.contents: contents is not specified"),
        (json!({"contents": []}), "* GenerateContentRequest.contents: contents is not specified"),
        (
            json!({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}),
            "Please use a valid role: user, model.",
        ),
        (
            json!({"contents": [user(json!([]))]}),
            "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.",
        ),
        (
            json!({"contents": [user(text(""))]}),
            "* GenerateContentRequest.contents[0].parts[0].data: required oneof field",
        ),
        (
            json!({"contents": [user(json!([{}]))]}),
            "* GenerateContentRequest.contents[0].parts[0].data: required oneof field",
        ),
        (
            json!({"contents": [user(json!([{"text": "x", "inlineData": {}}]))]}),
            "Invalid value at 'contents[0].parts[0]' (oneof)",
        ),
        (
            json!({"contents": [user(json!([{"type": "text", "text": "x"}]))]}),
            "Invalid JSON payload received. Unknown name \"type\" at 'contents[0].parts[0]': Cannot find field.",
        ),
        (json!({"messages": []}), "Invalid JSON payload received. Unknown name \"messages\": Cannot find field."),
        (json!({"labels": {}}), "Invalid JSON payload received. Unknown name \"labels\": Cannot find field."),
        (
            config(json!({"max_tokens": 5})),
            "Invalid JSON payload received. Unknown name \"max_tokens\" at 'generation_config': Cannot find field.",
        ),
        (config(json!({"temperature": 3})), "Unable to submit request because it has a temperature value of 3"),
        (
            config(json!({"temperature": "hot"})),
            "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\"",
        ),
        (
            config(json!({"stopSequences": ["1", "2", "3", "4", "5", "6"]})),
            "* GenerateContentRequest.generation_config.stop_sequences",
        ),
        (config(json!({"candidateCount": 9})), "* GenerateContentRequest.generation_config.candidate_count"),
        (config(json!({"maxOutputTokens": 0})), "* GenerateContentRequest.generation_config.max_output_tokens"),
        (
            config(json!({"responseJsonSchema": {}})),
            "* GenerateContentRequest.generation_config.response_schema: only allowed when",
        ),
        (
            config(
                json!({"responseMimeType": "application/json", "responseSchema": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}}),
            ),
            "Invalid JSON payload received. Unknown name \"additionalProperties\" at 'generation_config.response_schema'",
        ),
        (
            config(json!({"thinkingConfig": {"thinkingBudget": 5, "thinkingLevel": "LOW"}})),
            "You can only set only one of thinking budget and thinking level.",
        ),
        (
            config(json!({"thinkingConfig": {"thinkingLevel": "MINIMAL"}})),
            "Thinking level MINIMAL is not supported for this model.",
        ),
        (
            function(json!({"name": "1st"})),
            "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.",
        ),
        (
            function(json!({"name": "f", "strict": true})),
            "Invalid JSON payload received. Unknown name \"strict\" at 'tools[0].function_declarations[0]'",
        ),
        (
            function(json!({"name": "f", "parameters": {"type": "object", "properties": {}}})),
            "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty",
        ),
        (
            function(json!({"name": "f", "parameters": {"type": "string"}, "parametersJsonSchema": {}})),
            "* GenerateContentRequest.tools[0].function_declarations[0]: only one of",
        ),
        (
            calling(json!({"mode": "AUTO", "allowedFunctionNames": ["weather"]})),
            "Allowed function names should only be set",
        ),
        (
            calling(json!({"mode": "ANY", "allowedFunctionNames": ["other"]})),
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: other",
        ),
        (json!({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}), "Function calling mode ANY requires"),
        (
            json!({"contents": [signed, answered]}),
            "Please ensure that function call turn comes immediately after a user turn",
        ),
        (
            json!({"contents": [hi, answered]}),
            "Please ensure that function response turn comes immediately after a function call turn.",
        ),
        (
            json!({"contents": [hi, signed, user(json!([response(), response()]))]}),
            "Please ensure that the number of function response parts",
        ),
        (
            json!({"contents": [hi, signed, user(json!([{"functionResponse": {"name": "weather", "response": "18C"}}]))]}),
            "Invalid value at 'contents[2].parts[0].function_response.response' (TYPE_MESSAGE)",
        ),
    ];
    for (patch, message) in cases {
        let (status, answer) = rig.send(rig.chat(Gemini).json(&with(&hello(Gemini), patch.clone()))).await;
        assert_eq!(status, 400, "{patch}: {answer}");
        assert_eq!((&answer["error"]["code"], &answer["error"]["status"]), (&json!(400), &json!("INVALID_ARGUMENT")));
        let got = answer["error"]["message"].as_str().unwrap();
        assert!(got.starts_with(message), "{patch}:\n  expected {message}\n  got      {got}");
    }
}

#[tokio::test]
async fn thinking_depends_on_the_model() {
    let rig = Rig::start().await;
    let send = async |model: &str, thinking: Value| {
        let body = with(&hello(Gemini), json!({"generationConfig": {"thinkingConfig": thinking}}));
        let path = format!("/v1beta/models/{model}:generateContent");
        rig.send(rig.post(Gemini, &path).json(&body)).await.0.as_u16()
    };
    assert_eq!(send("gemini-3-flash", json!({"thinkingLevel": "minimal"})).await, 200);
    assert_eq!(send("gemini-2.5-flash", json!({"thinkingLevel": "low"})).await, 400);
    assert_eq!(send("gemini-2.5-flash", json!({"thinkingBudget": 0})).await, 200);
    assert_eq!(send("gemini-2.5-pro", json!({"thinkingBudget": 0})).await, 400);
}

#[tokio::test]
async fn paths_methods_and_models_fail_in_geminis_shape() {
    let rig = Rig::start().await;
    let url = rig.sim.gemini_url();
    let (status, answer) =
        rig.send(rig.post(Gemini, "/v1beta/models/unknown-1:generateContent").json(&hello(Gemini))).await;
    assert_eq!((status.as_u16(), &answer["error"]["status"]), (404, &json!("NOT_FOUND")));
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("models/unknown-1 is not found"));
    for path in ["/v2/models/x:generateContent", "/v1beta/models/x:other", "/v1beta/modelsx"] {
        assert_eq!(rig.send(rig.post(Gemini, path).json(&json!({}))).await.0, 404, "{path}");
    }
    assert_eq!(rig.http.get(format!("{url}{PATH_2_5}")).send().await.unwrap().status(), 405);
    let (_, models) = rig.send(rig.http.get(format!("{url}/v1/models?key={GEMINI_KEY}"))).await;
    assert!(models["models"][0]["name"].as_str().unwrap().starts_with("models/"));
    let array = rig.post(Gemini, "/v1beta/models/unknown-1:streamGenerateContent").json(&hello(Gemini));
    assert_eq!(rig.send(array).await.1[0]["error"]["code"], 404, "a stream that is an array fails as an array");
}

#[tokio::test]
async fn tokens_are_counted_of_contents_or_of_a_whole_request() {
    let rig = Rig::start().await;
    let path = "/v1beta/models/gemini-3.8-flash:countTokens";
    let contents = json!([{"role": "user", "parts": [{"text": "four and four"}]}]);
    let (_, answer) = rig.send(rig.post(Gemini, path).json(&json!({"contents": contents}))).await;
    assert_eq!(answer["totalTokens"], 4);
    let request = json!({"model": "models/gemini-3.8-flash", "contents": contents,
        "systemInstruction": {"parts": [{"text": "Be brief."}]}});
    let (_, answer) = rig.send(rig.post(Gemini, path).json(&json!({"generateContentRequest": request}))).await;
    assert_eq!(answer["totalTokens"], 6);
    let (status, _) =
        rig.send(rig.post(Gemini, path).json(&json!({"contents": contents, "generationConfig": {}}))).await;
    assert_eq!(status.as_u16(), 400);
}

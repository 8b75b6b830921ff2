/** Attribute keys whose values are contents (prompts, completions, documents) or secrets, in every dialect we know. */

const CONTENT_KEY = new RegExp(
  [
    // OTel GenAI, current and older, and OpenLLMetry.
    '^gen_ai\\.(prompt|completion|content|input|output|system_instructions|event\\.content|tool\\.(definitions|call\\.(arguments|result)))(\\.|$)',
    '^gen_ai\\.((system|user|assistant|tool)\\.message|choice)(\\.|$)',
    '^gen_ai\\.(evaluation\\.explanation|retrieval\\.(documents|query\\.text)|request\\.(messages|prompt|tools|functions))',
    '^traceloop\\.(entity\\.(input|output)|prompt)',
    // OpenInference.
    '^(input|output)\\.(value|mime_type|text|content|prompt|audio|images?|messages?|documents?)(\\.|$)',
    '^llm\\.(input_messages|output_messages|prompts?|completions?|prompt_template|invocation_parameters|tools|functions?|function_call|choices|content|messages|request\\.(messages|functions|prompt))(\\.|$)',
    '^(retrieval|reranker|document|embedding|message|tool|tool_call|image|audio|exception)\\.(.*\\.)?(documents?|input_documents|output_documents|content|contents|text|query|url|transcript|embeddings|vector|arguments|parameters|json_schema|stacktrace)(\\.|$)',
    // Vercel AI SDK.
    '^ai\\.(prompt|response\\.(text|content|object|messages?|toolCalls|reasoning|files|sources|body|providerMetadata)|result|request\\.body|values?|embeddings?|toolCall\\.(args|result|arguments|input|output)|schema|input|output|messages)(\\.|$)',
    // Others.
    '^langfuse\\.(observation|trace)\\.(input|output)',
    '^langsmith\\.(inputs?|outputs?)(\\.|$)',
    '^mlflow\\.(span(Inputs|Outputs)|chat\\.(messages|tools))',
    '^gcp\\.vertex\\.agent\\.(llm_request|llm_response|tool_call_args|tool_response|data)',
    '^haystack\\.(component|pipeline)\\.(input|output)',
    '^crewai\\..*(description|expected_output|result|backstory|goal|inputs?|outputs?)$',
    '^(pydantic_ai\\.)?(all_messages|all_messages_events|final_result)(\\.|$)',
    '^lk\\.(user_input|user_transcript|response\\.text|chat_ctx|instructions|function_tool\\.(arguments|output))',
    // Names as plain as can be.
    '^(inputs?|outputs?|prompts?|completions?|messages?|documents?|request_data|response_data|tool_(arguments|response))$',
    // General.
    '^(http|rpc)\\.(request|response)\\.(body|content)(?!\\.size)(\\.|$)',
    '^http\\.(request|response)\\.header\\.(authorization|proxy-authorization|cookie|set-cookie|x-api-key)',
    '^(messaging\\.message\\.body|faas\\.document\\.content|graphql\\.document|db\\.(statement|query\\.text|query\\.parameter.*|operation\\.parameter.*))$',
  ].join('|'),
  'i',
);

/** Keys inside of a map; maps in telemetry are mostly messages. */
const NESTED_CONTENT =
  /^(contents?|text|prompts?|completions?|messages?|inputs?|outputs?|arguments|args|parameters|documents?|query|parts|body|transcript)$/i;

const SECRET_KEY =
  /(^|[._-])(password|passwd|passphrase|pwd|secret|client[._-]?secret|api[._-]?key|access[._-]?key|private[._-]?key|signing[._-]?key|authorization|(?:auth|access|refresh|id|session|bearer|api)[._-]?token|bearer|credentials?|cookie|set[._-]?cookie|webhook[._-]?url|signature|dsn|connection[._-]?string)($|[._-])|(^|[._-])token$/i;
const HUMP = /([a-z0-9])([A-Z])/g;

export type KeyPrivacy = 'content' | 'secret' | 'plain';

/** What may be kept of an attribute, by its key alone. */
export function classifyKey(key: string): KeyPrivacy {
  // No name is that long; what hides in its tail is as good as a secret.
  if (key.length > 1024) return 'secret';
  if (CONTENT_KEY.test(key)) return 'content';
  return SECRET_KEY.test(key.replace(HUMP, '$1_$2')) ? 'secret' : 'plain';
}

export function classifyNestedKey(key: string): KeyPrivacy {
  return NESTED_CONTENT.test(key) ? 'content' : classifyKey(key);
}

-- Vendors known from the start: the names that conventions and instrumentations give them, and their hosts. A name or host here is
-- data; a deployment adds rows of its own. count_http is false where a GenAI span describes the same call as the HTTP span under it.
-- A host stands for its subdomains too.

insert into runledger.vendors (vendor, count_http, aliases, hosts) values
  ('openai', false, '{}', '{api.openai.com}'),
  ('azure_openai', false, '{azure.ai.openai,azure.ai.inference,az.ai.openai,az.ai.inference,azure-openai,azureopenai}',
    '{openai.azure.com,services.ai.azure.com,models.inference.ai.azure.com}'),
  ('anthropic', false, '{claude}', '{api.anthropic.com}'),
  ('google', false,
    '{gcp.gemini,gcp.vertex_ai,gcp.gen_ai,gemini,google_genai,google-genai,google.generative-ai,google.vertex,vertex_ai,vertexai,vertex,google_vertexai,google_ai_studio}',
    '{generativelanguage.googleapis.com,aiplatform.googleapis.com}'),
  ('aws_bedrock', false, '{aws.bedrock,bedrock,amazon-bedrock,amazon_bedrock}', '{}'),
  ('mistral', false, '{mistral_ai,mistralai,mistral-ai}', '{api.mistral.ai}'),
  ('cohere', false, '{}', '{api.cohere.ai,api.cohere.com}'),
  ('x_ai', false, '{xai,x-ai,grok}', '{api.x.ai}'),
  ('groq', false, '{}', '{api.groq.com}'),
  ('deepseek', false, '{}', '{api.deepseek.com}'),
  ('perplexity', false, '{}', '{api.perplexity.ai}'),
  ('openrouter', false, '{}', '{openrouter.ai}'),
  ('watsonx', false, '{ibm.watsonx.ai,watsonx.ai}', '{ml.cloud.ibm.com}'),
  ('tavily', true, '{}', '{api.tavily.com}'),
  ('lusha', true, '{}', '{api.lusha.com}'),
  ('zerobounce', true, '{zero_bounce,zero-bounce}', '{api.zerobounce.net,bulkapi.zerobounce.net}'),
  ('apify_linkedin', true, '{apify,apify-linkedin}', '{api.apify.com}'),
  ('odoo', true, '{}', '{odoo.com}'),
  ('hunter', true, '{hunter.io,hunter_io}', '{api.hunter.io}'),
  ('slack', true, '{}', '{slack.com}');

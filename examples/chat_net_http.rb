# A chat with nothing but Ruby's standard library.

require "json"
require "net/http"

server = ENV.fetch("MODELWIRE_URL", "http://127.0.0.1:8080")
body = {
  model: "smollm2-135m-instruct",
  messages: [{ role: "user", content: "Say hello." }],
  max_tokens: 32
}

url = URI("#{server}/v1beta/openai/chat/completions")
response = Net::HTTP.post(url, JSON.generate(body), "Content-Type" => "application/json")
reply = JSON.parse(response.body)

abort "#{response.code}: #{reply["error"]["message"]}" unless response.is_a?(Net::HTTPSuccess)
puts reply["choices"][0]["message"]["content"]

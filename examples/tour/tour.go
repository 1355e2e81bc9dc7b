// A tour of modelwire.v1 in Go: models, a chat, a stream, a tool, embeddings, an error, a deadline and a cancel.

// [chat]
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"modelwire.dev/go"
	v1 "modelwire.dev/go/modelwire/v1"
)

// [end]
import (
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// [chat]
func connect() *grpc.ClientConn {
	address := os.Getenv("MODELWIRE_GRPC_ADDRESS")
	if address == "" {
		address = "127.0.0.1:50051"
	}
	connection, err := grpc.Dial(address,
		grpc.WithInsecure(),
		grpc.WithDefaultServiceConfig(modelwire.ServiceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20))) // gRPC's own limit is 4 MiB
	check(err)
	return connection
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func asking(text string) *v1.CreateChatCompletionRequest {
	user := &v1.ChatMessage{Role: v1.Role_ROLE_USER, Content: &v1.ChatMessage_Text{Text: text}}
	return &v1.CreateChatCompletionRequest{
		Model:               "smollm2-135m-instruct",
		Messages:            []*v1.ChatMessage{user},
		MaxCompletionTokens: proto.Int32(24),
		Temperature:         proto.Float64(0),
	}
}

var inOneLine = strings.NewReplacer("\n", " ").Replace

func complete(ctx context.Context, chat v1.ChatServiceClient) {
	completion, err := chat.CreateChatCompletion(ctx, asking("Say hello to me."))
	check(err)
	choice := completion.Choices[0]
	fmt.Printf("chat: %s (%s)\n", inOneLine(choice.Message.GetText()), choice.FinishReason)
}

// [end]

func listModels(ctx context.Context, models v1.ModelServiceClient) {
	var ids []string
	request := &v1.ListModelsRequest{PageSize: 1}
	for more := true; more; more = request.PageToken != "" {
		page, err := models.ListModels(ctx, request)
		check(err)
		for _, model := range page.Models {
			ids = append(ids, model.Id)
		}
		request.PageToken = page.NextPageToken
	}
	fmt.Println("models:", strings.Join(ids, ", "))
}

func stream(ctx context.Context, chat v1.ChatServiceClient) {
	chunks, err := chat.StreamChatCompletion(ctx, asking("Say hello to me."))
	check(err)
	text := ""
	for {
		chunk, err := chunks.Recv()
		if err == io.EOF {
			break
		}
		check(err)
		text += textOf(chunk)
	}
	fmt.Println("stream:", inOneLine(text))
}

// The text of the first choice; the comment of ChatCompletionChunk tells how all fields are folded.
func textOf(chunk *v1.ChatCompletionChunk) string {
	text := ""
	for _, choice := range chunk.GetChoices() {
		if choice.Index == 0 {
			text += choice.Delta.GetText()
		}
	}
	return text
}

var weather = &v1.Function{
	Name:           "get_weather",
	Description:    proto.String("Tells the weather of a city."),
	ParametersJson: `{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}`,
}

func useTool(ctx context.Context, chat v1.ChatServiceClient) {
	request := asking("What is the weather in Paris?")
	request.Tools = []*v1.Tool{{Tool: &v1.Tool_Function{Function: weather}}}
	request.ToolChoice = &v1.ToolChoice{Choice: &v1.ToolChoice_Function{Function: weather.Name}}
	asked, err := chat.CreateChatCompletion(ctx, request)
	check(err)
	call := asked.Choices[0].Message.ToolCalls[0]
	fmt.Printf("tool call: %s(%s)\n", call.GetFunction().Name, call.GetFunction().Arguments)

	request.Messages = append(request.Messages, asked.Choices[0].Message, &v1.ChatMessage{
		Role:       v1.Role_ROLE_TOOL,
		ToolCallId: proto.String(call.Id),
		Content:    &v1.ChatMessage_Text{Text: `{"celsius": 21}`},
	})
	request.ToolChoice = nil
	answered, err := chat.CreateChatCompletion(ctx, request)
	check(err)
	fmt.Println("tool answer:", inOneLine(answered.Choices[0].Message.GetText()))
}

func embed(ctx context.Context, embeddings v1.EmbeddingServiceClient) {
	request := &v1.CreateEmbeddingsRequest{Model: "all-minilm-l6-v2", Inputs: []string{"Hello", "Goodbye"}}
	made, err := embeddings.CreateEmbeddings(ctx, request)
	check(err)
	fmt.Printf("embeddings: %d vectors of %d values\n", len(made.Embeddings), len(made.Embeddings[0].Values))
}

func codeOf(err error) string {
	return code.Code(status.Code(err)).String()
}

// [error]
func readError(ctx context.Context, chat v1.ChatServiceClient) {
	request := asking("Say hello to me.")
	request.Temperature = proto.Float64(3)
	_, err := chat.CreateChatCompletion(ctx, request)
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			violation := bad.FieldViolations[0]
			fmt.Printf("error: %s %s: %s\n", codeOf(err), violation.Field, violation.Description)
		}
	}
}

// [end]

func story() *v1.CreateChatCompletionRequest {
	request := asking("Tell me a long story.")
	request.MaxCompletionTokens = nil
	return request
}

func keepDeadline(ctx context.Context, chat v1.ChatServiceClient) {
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := chat.CreateChatCompletion(ctx, story())
	fmt.Println("deadline:", codeOf(err))
}

func cancelStream(ctx context.Context, chat v1.ChatServiceClient) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	chunks, err := chat.StreamChatCompletion(ctx, story())
	for err == nil {
		var chunk *v1.ChatCompletionChunk
		if chunk, err = chunks.Recv(); textOf(chunk) != "" {
			cancel()
		}
	}
	fmt.Println("cancel:", codeOf(err))
}

// [chat]
func main() {
	connection := connect()
	defer connection.Close()
	ctx := context.Background()
	if key := os.Getenv("MODELWIRE_API_KEY"); key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
	}
	chat := v1.NewChatServiceClient(connection)
	// [end]
	listModels(ctx, v1.NewModelServiceClient(connection))
	// [chat]
	complete(ctx, chat)
	// [end]
	stream(ctx, chat)
	useTool(ctx, chat)
	embed(ctx, v1.NewEmbeddingServiceClient(connection))
	readError(ctx, chat)
	keepDeadline(ctx, chat)
	cancelStream(ctx, chat)
	// [chat]
}

// [end]

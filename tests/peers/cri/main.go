// cri asks a container runtime over CRI, as a kubelet does: it pulls an image, makes a Pod in the host's network, and a
// container in it, and prints the message of what is refused.
//
//	cri SOCKET pull IMAGE
//	cri SOCKET run NAMESPACE POD IMAGE COMMAND < /dev/null
//
// The Pod is removed at the end of standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(socket, action string, arguments []string) error {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 120*time.Second)
	defer cancel()
	if action == "pull" {
		return pull(ctx, connection, arguments[0])
	}
	return start(ctx, cri.NewRuntimeServiceClient(connection), arguments)
}

func pull(ctx context.Context, connection *grpc.ClientConn, image string) error {
	images := cri.NewImageServiceClient(connection)
	response, err := images.PullImage(ctx, &cri.PullImageRequest{Image: &cri.ImageSpec{Image: image}})
	if err == nil {
		fmt.Println(response.ImageRef)
	}
	return err
}

func start(ctx context.Context, runtime cri.RuntimeServiceClient, arguments []string) error {
	namespace, name, image, command := arguments[0], arguments[1], arguments[2], arguments[3]
	network := &cri.NamespaceOption{Network: cri.NamespaceMode_NODE, Pid: cri.NamespaceMode_POD}
	pod := &cri.PodSandboxConfig{
		Metadata:     &cri.PodSandboxMetadata{Name: name, Namespace: namespace, Uid: namespace + name},
		LogDirectory: os.TempDir(),
		Linux: &cri.LinuxPodSandboxConfig{
			SecurityContext: &cri.LinuxSandboxSecurityContext{NamespaceOptions: network},
		},
	}
	sandbox, err := runtime.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: pod})
	if err != nil {
		return fmt.Errorf("no sandbox: %w", err)
	}
	defer func() {
		ctx := context.Background()
		_, _ = runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: sandbox.PodSandboxId})
		_, _ = runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: sandbox.PodSandboxId})
	}()
	container, err := runtime.CreateContainer(ctx, &cri.CreateContainerRequest{
		PodSandboxId: sandbox.PodSandboxId,
		Config: &cri.ContainerConfig{
			Metadata: &cri.ContainerMetadata{Name: "app"},
			Image:    &cri.ImageSpec{Image: image, UserSpecifiedImage: image},
			Command:  []string{command},
			Linux:    &cri.LinuxContainerConfig{SecurityContext: &cri.LinuxContainerSecurityContext{NamespaceOptions: network}},
		},
		SandboxConfig: pod,
	})
	if err != nil {
		return fmt.Errorf("no container: %w", err)
	}
	if _, err := runtime.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: container.ContainerId}); err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	fmt.Println("started")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

#!/usr/bin/env -S trenchrun shell
# Cilium's Star Wars guide, typed as it stands on a cluster of its own:
#
#   trenchrun shell scenarios/star-wars/guide.sh
#
# Manifests are named by the guide's URLs and found in manifests/. Where the guide names the agent's pod, $cilium does; where it says to
# press Ctrl-C, timeout does it after ten seconds.

kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/minikube/http-sw-app.yaml
kubectl get pods,svc
kubectl -n kube-system get pods -l k8s-app=cilium
cilium=$(kubectl -n kube-system get pods -l k8s-app=cilium -o name)
kubectl -n kube-system exec $cilium -- cilium endpoint list

# Current access: nothing is enforced.
kubectl exec xwing -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing
kubectl exec tiefighter -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing

# The L3/L4 policy.
kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/minikube/sw_l3_l4_policy.yaml
kubectl exec tiefighter -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing
timeout 10 kubectl exec xwing -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing
kubectl -n kube-system exec $cilium -- cilium endpoint list
kubectl get cnp
kubectl describe cnp rule1

# The L7 policy.
kubectl exec tiefighter -- curl -s -XPUT deathstar.default.svc.cluster.local/v1/exhaust-port
kubectl apply -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/minikube/sw_l3_l4_l7_policy.yaml
kubectl exec tiefighter -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing
kubectl exec tiefighter -- curl -s -XPUT deathstar.default.svc.cluster.local/v1/exhaust-port
timeout 10 kubectl exec xwing -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing
kubectl describe ciliumnetworkpolicies
kubectl -n kube-system exec $cilium -- cilium policy get

# Requests as they happen: the monitor runs beside them.
kubectl exec -it -n kube-system $cilium -- cilium monitor -v --type l7 &
kubectl exec tiefighter -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing
kubectl exec tiefighter -- curl -s -XPUT deathstar.default.svc.cluster.local/v1/request-landing
kill %1

# Clean-up.
kubectl delete -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/minikube/http-sw-app.yaml
kubectl delete cnp rule1
